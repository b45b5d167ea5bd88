// The sentences of a token's story in Chinese. The server tells them in English; one that is not known here stays so.
import { language } from './i18n.js';

const CHINESE = [
  [/^joined the line as number (\d+), for (\d+) places$/, '进入排队，{1} 号，{2} 个名额'],
  [/^the line was opened: (\d+) tokens were put into a drawn order, this one at position (\d+)$/, '开闸：{1} 个号码抽签排序，本号排在第 {2} 位'],
  [/^the places were drawn by lot among (\d+) tokens; this one came to position (\d+)$/, '名额在 {1} 个号码中抽签决定，本号排在第 {2} 位'],
  [/^no place was free: put on the wait-list$/, '没有空余名额，进入候补名单'],
  [/^got (\d+) places; order (\S+) costs nothing and is paid$/, '得到 {1} 个名额，订单 {2} 免费，已生效'],
  [/^got (\d+) places; order (\S+) waits for its payment$/, '得到 {1} 个名额，订单 {2} 等待付款'],
  [/^the group did not fit into what was left, and nothing could come free for it$/, '剩余名额不够，也不会再有名额放出'],
  [/^registration had closed: nobody waits for a place any more$/, '报名已截止，不再候补'],
  [/^could not be processed$/, '处理失败'],
  [/^a player was registered in this game already, in order of somebody else$/, '有选手已经由他人报过名'],
  [/^a player was registered in this game already, in order (\S+)$/, '有选手已经报过名，订单 {1}'],
  [/^passed: its owner had left$/, '轮到时本人已退出'],
  [/^left the line$/, '退出排队'],
  [/^the order was paid$/, '订单已付款'],
  [/^the order was paid after its hold had ended; its places were still free$/, '订单在保留期过后付款，名额仍有空余'],
  [/^the order was not paid in time; its places were given back$/, '订单逾期未付款，名额放回'],
  [/^the order was cancelled by its owner; its places were given back$/, '订单被本人取消，名额放回'],
  [/^the order was refunded; its places were given back$/, '订单已退款，名额放回'],
  [/^a part of the order was refunded; its places were given back$/, '订单部分退款，相应名额放回'],
];

export function chapterText(text) {
  if (language() !== 'zh') return text;
  for (const [pattern, chinese] of CHINESE) {
    const found = pattern.exec(text);
    if (found) return chinese.replace(/\{(\d)\}/g, (whole, index) => found[Number(index)]);
  }
  return text;
}
