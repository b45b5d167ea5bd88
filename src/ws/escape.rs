//! Text of users on its way out. Seed clients put `content` into the page as HTML, so everything is escaped but the one
//! image form of our own emoji.

use std::borrow::Cow;

use crate::assets::is_emoji;

const EMOJI_START: &str = r#"<img class="emoji" src="/static/emoji/"#;
const EMOJI_END: &str = r#".svg">"#;
const EMOJI_NAME_BYTES: usize = 64;

/// The length of the emoji that `text` starts with.
fn emoji(text: &str) -> Option<usize> {
    let rest = text.strip_prefix(EMOJI_START)?;
    let name = rest.bytes().take_while(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_')).count();
    if name > EMOJI_NAME_BYTES || !rest[name..].starts_with(EMOJI_END) || !is_emoji(&rest[..name]) {
        return None;
    }
    Some(EMOJI_START.len() + name + EMOJI_END.len())
}

/// `text` as HTML that shows it, known emoji as images.
pub fn content(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\'']) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let taken = if let Some(length) = emoji(rest) {
            out.push_str(&rest[..length]);
            length
        } else {
            push_escaped(first, &mut out);
            first.len_utf8()
        };
        rest = &rest[taken..];
    }
    Cow::Owned(out)
}

/// `text` as HTML that shows it.
pub fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\'']) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    text.chars().for_each(|next| push_escaped(next, &mut out));
    Cow::Owned(out)
}

/// An address that is safe inside an attribute, else nothing.
pub fn address(text: &str) -> &str {
    let known = text.starts_with('/') || text.starts_with("https://") || text.starts_with("http://");
    let safe = !text.contains(|next: char| {
        next.is_whitespace() || next.is_control() || matches!(next, '<' | '>' | '"' | '\'' | '\\')
    });
    if known && safe { text } else { "" }
}

fn push_escaped(next: char, out: &mut String) {
    match next {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '"' => out.push_str("&quot;"),
        '\'' => out.push_str("&#39;"),
        other => out.push(other),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn markup_is_shown_and_known_emoji_are_images() {
        assert_eq!(content("扑街"), "扑街");
        assert_eq!(content("<b>&'\"</b>"), "&lt;b&gt;&amp;&#39;&quot;&lt;/b&gt;");
        let smile = r#"<img class="emoji" src="/static/emoji/heart.svg">"#;
        assert_eq!(content(&format!("a{smile}<")), format!("a{smile}&lt;"));
        for bad in [
            r#"<img class="emoji" src="/static/emoji/../x.svg">"#,
            r#"<img class="emoji" src="/static/emoji/.svg">"#,
            r#"<img class="emoji" src="/static/emoji/nobody-drew-it.svg">"#,
            r#"<img class="emoji" src="/static/emoji/a.svg" onerror="x">"#,
            r#"<img class="emoji" src="//evil/static/emoji/a.svg">"#,
            r#"<img class="emoji" src="/static/emoji/A.svg">"#,
        ] {
            assert!(!content(bad).contains('<'), "{bad}");
        }
        assert_eq!(plain(smile).matches('<').count(), 0);
    }

    #[test]
    fn addresses_that_could_leave_their_attribute_vanish() {
        assert_eq!(address("/uploads/a.jpg"), "/uploads/a.jpg");
        assert_eq!(address("https://x.org/a?b=1&c=2"), "https://x.org/a?b=1&c=2");
        for bad in ["javascript:alert(1)", "/a\" onload=\"x", "/a b", "", "x.jpg"] {
            assert_eq!(address(bad), "", "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn no_tag_but_an_emoji_ever_leaves(text in r#"([<>&"' a-z/=.]|<img class="emoji" src="/static/emoji/|heart|\.svg">){0,40}"#) {
            let out = content(&text);
            let mut rest: &str = &out;
            while let Some(at) = rest.find('<') {
                rest = &rest[at..];
                let length = emoji(rest);
                prop_assert!(length.is_some(), "{}", out);
                rest = &rest[length.unwrap_or(1)..];
            }
            prop_assert!(!rest.contains('>'));
        }
    }
}
