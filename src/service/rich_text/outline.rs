//! HTML written again so that a parser's work on it is bounded, or the reason why it is refused. One pass.
//!
//! A parser of HTML repairs what it reads, and repairs cost more than reading: an element such as `<b>` that is left open
//! is made again, with its attributes, in every block that follows. 59 KB of `<b c=1><p><b c=2><p>…` become 73 MB. So
//! what is counted here is what such repairs depend on: how many tags there are, how deep they stand, how many
//! formatting elements are open, and how many bytes of them can be made again. Elements whose content is read in other
//! ways (comments, scripts, foreign elements, forms) are left out, which the cleaner would do, so that tags mean to the
//! parser what they mean here. An end tag that does not fit is passed over by the stack of this count, so that the count
//! is never below the parser's by more than such end tags explain, and those are bounded.

use std::collections::HashSet;

use super::tokens::{Token, Tokens};

/// A table of results with 500 rows of 8 cells has 9,000.
pub const MOST_TAGS: usize = 10_000;
pub const MOST_DEPTH: usize = 100;
/// Open at the same time.
pub const MOST_FORMATTING: usize = 16;
/// End tags that do not end what was opened last.
pub const MOST_CROSSED: usize = 64;
pub const MOST_ATTRIBUTES: usize = 32;
pub const MOST_TAG_BYTES: usize = 4_096;
/// Bytes of formatting elements that may be made again, to those that were sent, and for any text.
const MOST_COPIES: usize = 8;
const FREE_COPIES: usize = 64 * 1024;
/// Bytes that an element costs besides its tag.
const ELEMENT: usize = 32;

const FORMATTING: [&str; 11] = ["a", "b", "code", "em", "i", "s", "small", "strike", "strong", "tt", "u"];
const VOID: [&str; 6] = ["area", "br", "col", "hr", "img", "wbr"];
/// Their begin ends no other element.
const INLINE: [&str; 24] = [
    "abbr", "acronym", "area", "bdi", "bdo", "br", "cite", "data", "del", "dfn", "img", "ins", "kbd", "map", "mark",
    "q", "ruby", "samp", "span", "sub", "sup", "time", "var", "wbr",
];
/// Blocks, whose begin ends a paragraph and whose end ends items in them that were left open.
const BLOCKS: [&str; 17] = [
    "article",
    "aside",
    "blockquote",
    "center",
    "details",
    "div",
    "dl",
    "figcaption",
    "figure",
    "footer",
    "header",
    "hgroup",
    "nav",
    "ol",
    "pre",
    "summary",
    "ul",
];
const ITEMS: [&str; 7] = ["p", "li", "dd", "dt", "rt", "rp", "rtc"];
const TABLE: [&str; 4] = ["table", "tbody", "thead", "tr"];
const IN_TABLE: [&str; 7] = ["td", "th", "tr", "tbody", "thead", "colgroup", "caption"];

struct Open {
    name: String,
    bytes: usize,
}

struct Outline {
    written: String,
    open: Vec<Open>,
    tags: usize,
    crossed: usize,
    formatting: usize,
    /// Bytes of the formatting elements that are open.
    formatting_bytes: usize,
    copies: usize,
    most_copies: usize,
}

/// The same HTML, with the tags of `known` only.
///
/// Errors: the reason why it is refused.
pub fn outline(html: &str, known: &HashSet<&str>) -> Result<String, String> {
    let mut outline = Outline {
        written: String::with_capacity(html.len()),
        open: Vec::new(),
        tags: 0,
        crossed: 0,
        formatting: 0,
        formatting_bytes: 0,
        copies: 0,
        most_copies: html.len().saturating_mul(MOST_COPIES).saturating_add(FREE_COPIES),
    };
    for token in Tokens::of(html) {
        match token {
            Token::Text("<") => outline.written.push_str("&lt;"),
            Token::Text(text) => outline.written.push_str(text),
            Token::Literal { text, entities } => outline.literal(text, entities),
            Token::Open { name, source, attributes } if known.contains(name.as_str()) => {
                outline.open(name, source, attributes)?;
            }
            Token::Close { name } if known.contains(name.as_str()) => outline.close(&name)?,
            Token::Open { .. } | Token::Close { .. } => {}
        }
    }
    Ok(outline.written)
}

impl Outline {
    fn literal(&mut self, text: &str, entities: bool) {
        let text = if entities { text.to_owned() } else { text.replace('&', "&amp;") };
        self.written.push_str(&text.replace('<', "&lt;"));
    }

    fn count_tag(&mut self) -> Result<(), String> {
        self.tags += 1;
        if self.tags > MOST_TAGS {
            return Err(format!("has more than {MOST_TAGS} tags"));
        }
        Ok(())
    }

    /// After this the parser may make all open formatting elements again.
    fn count_copies(&mut self) -> Result<(), String> {
        self.copies = self.copies.saturating_add(self.formatting_bytes);
        if self.copies > self.most_copies {
            return Err(
                "has elements such as <b> or <a> around too many others: close them before the next block".into()
            );
        }
        Ok(())
    }

    fn pop(&mut self) {
        if let Some(last) = self.open.pop()
            && FORMATTING.contains(&last.name.as_str())
        {
            self.formatting -= 1;
            self.formatting_bytes -= last.bytes;
        }
    }

    fn last(&self) -> &str {
        self.open.last().map_or("", |open| &open.name)
    }

    fn open(&mut self, name: String, source: &str, attributes: usize) -> Result<(), String> {
        self.count_tag()?;
        if attributes > MOST_ATTRIBUTES {
            return Err(format!("has a tag with more than {MOST_ATTRIBUTES} attributes"));
        }
        if source.len() > MOST_TAG_BYTES {
            return Err(format!("has a tag of more than {MOST_TAG_BYTES} bytes: pictures are uploaded and not pasted"));
        }
        let is_formatting = FORMATTING.contains(&name.as_str());
        if !is_formatting && !INLINE.contains(&name.as_str()) {
            self.count_copies()?;
        }
        self.end_implied(&name);
        self.written.push_str(source);
        if VOID.contains(&name.as_str()) {
            return Ok(());
        }
        let bytes = source.len() + ELEMENT;
        if is_formatting {
            self.formatting += 1;
            self.formatting_bytes += bytes;
            if self.formatting > MOST_FORMATTING {
                return Err(format!(
                    "has more than {MOST_FORMATTING} elements such as <b> or <a> open at once: close each where it was opened"
                ));
            }
        }
        self.open.push(Open { name, bytes });
        if self.open.len() > MOST_DEPTH {
            return Err(format!("is nested more than {MOST_DEPTH} deep"));
        }
        Ok(())
    }

    /// Ends what the parser ends before an element of this name, where it stands on top.
    fn end_implied(&mut self, name: &str) {
        let before: &[&str] = match name {
            "p" => &["p"],
            "li" => &["p", "li"],
            "dd" | "dt" => &["p", "dd", "dt"],
            "rt" | "rp" => &["rt", "rp"],
            "td" | "th" => &["td", "th"],
            "tr" => &["td", "th", "tr"],
            "tbody" | "thead" => &["td", "th", "tr", "tbody", "thead"],
            block if BLOCKS.contains(&block) => &["p"],
            _ => return,
        };
        // Each once, from the inside outwards.
        for ended in before {
            if self.last() == *ended {
                self.pop();
            }
        }
    }

    fn close(&mut self, name: &str) -> Result<(), String> {
        self.count_tag()?;
        self.written.push_str("</");
        self.written.push_str(name);
        self.written.push('>');
        if VOID.contains(&name) {
            return self.count_copies();
        }
        let left_open: &[&str] = match name {
            "li" | "dd" | "dt" => &["p"],
            table if TABLE.contains(&table) => &IN_TABLE,
            block if BLOCKS.contains(&block) => &ITEMS,
            _ => &[],
        };
        let found = self.open.iter().rposition(|open| open.name == name || !left_open.contains(&open.name.as_str()));
        let is_formatting = FORMATTING.contains(&name);
        match found.filter(|index| self.open[*index].name == name) {
            Some(index) => {
                while self.open.len() > index {
                    self.pop();
                }
                if is_formatting { Ok(()) } else { self.count_copies() }
            }
            None => {
                self.crossed += 1;
                if self.crossed > MOST_CROSSED {
                    return Err(format!("has more than {MOST_CROSSED} end tags that do not end what was opened last"));
                }
                self.count_copies()?;
                self.count_copies()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> HashSet<&'static str> {
        ammonia::Builder::default().clone_tags()
    }

    #[test]
    fn every_known_element_is_of_a_known_kind() {
        let mut others: Vec<&str> = known()
            .into_iter()
            .filter(|name| {
                let lists: [&[&str]; 6] = [&FORMATTING, &VOID, &INLINE, &BLOCKS, &ITEMS, &IN_TABLE];
                !lists.iter().any(|list| list.contains(name))
            })
            .collect();
        others.sort_unstable();
        assert_eq!(others, ["h1", "h2", "h3", "h4", "h5", "h6", "table"], "ends nothing and is ended by nothing else");
    }

    #[test]
    fn what_is_harmless_stays_as_it_is() {
        for html in [
            "<p>第一<b>段</b></p>",
            "<ul><li>a<li>b<p>c</ul><p>d<p>e",
            "<table><tr><td>1<td>2<tr><td>3</table>",
            "<dl><dt>a<dd>b<dt>c</dl><hr><img src=\"/a.jpg\" alt='x>y'>",
            "<b><i>x</b></i>",
            "a &amp; b &lt;p&gt;",
        ] {
            assert_eq!(outline(html, &known()).as_deref(), Ok(html));
        }
        assert_eq!(outline("a < b <!-- x --><o:p>c</o:p>", &known()).unwrap(), "a &lt; b c");
        assert_eq!(outline("<svg><title>a<b></title></svg>", &known()).unwrap(), "a&lt;b>");
        assert_eq!(outline("<xmp>a&lt;<b></xmp>", &known()).unwrap(), "a&amp;lt;&lt;b>");
    }

    #[test]
    fn a_long_table_and_a_long_list_are_no_fault() {
        let cells = "<td>cell</td>".repeat(8);
        let table = format!("<table><tbody>{}</tbody></table>", format!("<tr>{cells}</tr>").repeat(500));
        assert!(outline(&table, &known()).is_ok());
        let links =
            "<li><a href=\"https://example.org/a/long/address/of/a/page\"><b>x</b> <i>y</i></a></li>".repeat(600);
        assert!(outline(&format!("<ul>{links}</ul>"), &known()).is_ok());
        assert!(outline(&"<p>an open paragraph".repeat(3_000), &known()).is_ok());
        assert!(
            outline(&"<p>a <a href=\"/x\">link</a><br>and <strong>more</strong></p>\n".repeat(1_000), &known()).is_ok()
        );
    }
}
