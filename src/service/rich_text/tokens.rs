//! HTML as a row of texts and tags, in one pass over its bytes. Where this differs from a browser's reading does not
//! matter: `outline` writes the tags again so that there is only one reading of them, and the cleaner has the last word.

/// Elements whose content is no HTML and goes with them.
const DROPPED: [&str; 2] = ["script", "style"];
/// Elements whose content is a text; in the last two of them entities count.
const LITERAL: [&str; 6] = ["iframe", "noembed", "noframes", "xmp", "textarea", "title"];

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token<'h> {
    /// May hold `<` that begins no tag, and entities.
    Text(&'h str),
    /// What stands in an element that holds no tags; `&` begins an entity only if `entities`.
    Literal {
        text: &'h str,
        entities: bool,
    },
    /// `source` is the whole tag.
    Open {
        name: String,
        source: &'h str,
        attributes: usize,
    },
    Close {
        name: String,
    },
}

/// Comments, declarations, scripts and styles are left out, and a tag that does not end.
pub struct Tokens<'h> {
    html: &'h str,
    at: usize,
    /// The end of an element's literal content.
    literal: Option<(usize, bool)>,
}

impl<'h> Tokens<'h> {
    pub fn of(html: &'h str) -> Self {
        Self { html, at: 0, literal: None }
    }

    fn bytes(&self) -> &'h [u8] {
        self.html.as_bytes()
    }

    fn byte(&self, at: usize) -> u8 {
        self.bytes().get(at).copied().unwrap_or_default()
    }

    /// After the first `needle` that begins at `from` or later, or the end.
    fn after(&self, from: usize, needle: &str) -> usize {
        self.html
            .get(from..)
            .and_then(|rest| rest.find(needle))
            .map_or(self.html.len(), |found| from + found + needle.len())
    }

    fn after_comment(&self) -> usize {
        let from = self.at + 4;
        if self.byte(from) == b'>' {
            return from + 1;
        }
        if self.byte(from) == b'-' && self.byte(from + 1) == b'>' {
            return from + 2;
        }
        self.after(from, "-->").min(self.after(from, "--!>"))
    }

    /// Where the end tag of an element without tags begins, or the end.
    fn end_of(&self, name: &str) -> usize {
        let bytes = self.bytes();
        let mut from = self.at;
        while let Some(found) = self.html.get(from..).and_then(|rest| rest.find("</")) {
            let begin = from + found;
            let after = begin + 2 + name.len();
            let is_name = bytes.get(begin + 2..after).is_some_and(|text| text.eq_ignore_ascii_case(name.as_bytes()));
            if is_name && (is_blank(self.byte(after)) || matches!(self.byte(after), b'/' | b'>')) {
                return begin;
            }
            from = begin + 2;
        }
        bytes.len()
    }

    /// The name that begins at `from`, the end of its tag, and how many attributes it has; `None` when it does not end.
    fn tag(&self, from: usize) -> Option<(String, usize, usize)> {
        let bytes = self.bytes();
        let end = |from: usize, ends: fn(u8) -> bool| {
            bytes.get(from..).and_then(|rest| rest.iter().position(|byte| ends(*byte))).map(|found| from + found)
        };
        let mut at = end(from, |byte| is_blank(byte) || matches!(byte, b'/' | b'>'))?;
        let name = self.html.get(from..at)?.to_ascii_lowercase();
        let mut attributes = 0;
        loop {
            at = end(at, |byte| !is_blank(byte) && byte != b'/')?;
            if self.byte(at) == b'>' {
                return Some((name, at + 1, attributes));
            }
            attributes += 1;
            // An equals sign in front is part of the name.
            at = end(at + 1, |byte| is_blank(byte) || matches!(byte, b'/' | b'>' | b'='))?;
            let equals = end(at, |byte| !is_blank(byte))?;
            if self.byte(equals) != b'=' {
                at = equals;
                continue;
            }
            at = end(equals + 1, |byte| !is_blank(byte))?;
            at = match self.byte(at) {
                b'"' => end(at + 1, |byte| byte == b'"')? + 1,
                b'\'' => end(at + 1, |byte| byte == b'\'')? + 1,
                b'>' => at,
                _ => end(at, |byte| is_blank(byte) || byte == b'>')?,
            };
        }
    }
}

impl<'h> Iterator for Tokens<'h> {
    type Item = Token<'h>;

    fn next(&mut self) -> Option<Token<'h>> {
        if let Some((end, entities)) = self.literal.take() {
            let text = self.html.get(self.at..end)?;
            self.at = end;
            return Some(Token::Literal { text, entities });
        }
        while self.at < self.html.len() {
            let begin = self.at;
            if self.byte(begin) != b'<' {
                let rest = self.html.get(begin..)?;
                self.at = begin + rest.find('<').unwrap_or(rest.len());
                return self.html.get(begin..self.at).map(Token::Text);
            }
            match (self.byte(begin + 1), self.byte(begin + 2)) {
                (b'!', b'-') if self.byte(begin + 3) == b'-' => self.at = self.after_comment(),
                (b'!' | b'?', _) => self.at = self.after(begin, ">"),
                (b'/', second) if second.is_ascii_alphabetic() => {
                    let Some((name, end, _)) = self.tag(begin + 2) else { break };
                    self.at = end;
                    return Some(Token::Close { name });
                }
                (b'/', _) => self.at = self.after(begin, ">"),
                (first, _) if first.is_ascii_alphabetic() => {
                    let Some((name, end, attributes)) = self.tag(begin + 1) else { break };
                    self.at = end;
                    if DROPPED.contains(&name.as_str()) {
                        self.at = self.end_of(&name);
                        continue;
                    }
                    if let Some(index) = LITERAL.iter().position(|it| *it == name) {
                        self.literal = Some((self.end_of(&name), index >= 4));
                    }
                    let source = self.html.get(begin..end)?;
                    return Some(Token::Open { name, source, attributes });
                }
                _ => {
                    self.at = begin + 1;
                    return self.html.get(begin..self.at).map(Token::Text);
                }
            }
        }
        None
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0c)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `name(attributes)`, `/name`, and texts.
    fn read(html: &str) -> String {
        let word = |token| match token {
            Token::Text(text) => format!("[{text}]"),
            Token::Literal { text, entities } => format!("{{{text}{}}}", if entities { "&" } else { "" }),
            Token::Open { name, attributes, .. } => format!("{name}({attributes})"),
            Token::Close { name } => format!("/{name}"),
        };
        Tokens::of(html).map(word).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn tags_and_texts_are_told_apart() {
        for (html, tokens) in [
            ("a<B>b</b >c", "[a] b(0) [b] /b [c]"),
            ("a < b<c", "[a ] [<] [ b]"),
            ("1<2", "[1] [<] [2]"),
            ("<p title='>' lang=a/b =x y='\"'>", "p(4)"),
            ("<p a=\"1\"b='2'c d = e/>", "p(4)"),
            ("<p a=>x", "p(1) [x]"),
            ("<br/>", "br(0)"),
            ("<p a=\"<b>\">x", "p(1) [x]"),
            ("<p a='x", ""),
            ("<!-- <b> -->x<!-->y<!--->z<!-- <b> --!>w<!-- <b>", "[x] [y] [z] [w]"),
            ("<!DOCTYPE html><?php x ?>a</ x>b</>c", "[a] [b] [c]"),
            ("<script>a<b></script x>c", "/script [c]"),
            ("<style><b></styles></style>c<script><b>", "/style [c]"),
            ("<textarea><b>&amp;</textarea>x", "textarea(0) {<b>&amp;&} /textarea [x]"),
            ("<xmp><b></xmpx></XMP>x<title>", "xmp(0) {<b></xmpx>} /xmp [x] title(0) {&}"),
            ("<b<i>x", "b<i(0) [x]"),
        ] {
            assert_eq!(read(html), tokens, "{html}");
        }
    }
}
