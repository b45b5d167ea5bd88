// Runs before the first paint: picks the language, so that a page written in Chinese
// does not flash before English readers. i18n.js removes `data-lang-pending` once the texts are in.
(function () {
  var saved = null;
  try { saved = localStorage.getItem('matchday.lang'); } catch (e) { /* storage is blocked: fall back */ }
  var lang = saved === 'zh' || saved === 'en' ? saved : /^zh/i.test(navigator.language || '') ? 'zh' : 'en';
  var root = document.documentElement;
  root.lang = lang === 'zh' ? 'zh-CN' : 'en';
  if (lang !== 'zh') root.setAttribute('data-lang-pending', '');
})();
