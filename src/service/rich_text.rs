//! HTML that administrators write: cleaned once, when it is stored. What is left is safe inside a page.

use std::sync::LazyLock;

use ammonia::Builder;

static KNOWN_TAGS: LazyLock<Builder<'static>> = LazyLock::new(Builder::default);
static NO_TAGS: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::empty();
    builder.clean_content_tags(["script", "style"].into());
    builder
});

/// Only harmless elements, attributes and addresses; scripts, styles, frames, forms and comments go.
pub fn clean(html: &str) -> String {
    KNOWN_TAGS.clean(html).to_string()
}

/// The text between the tags, with `&`, `<` and `>` still written as entities, so that it is as safe as `clean`'s.
pub fn text_of(html: &str) -> String {
    NO_TAGS.clean(html).to_string().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_act_in_a_page_goes() {
        for (given, cleaned) in [
            ("<p>第一<b>段</b></p>", "<p>第一<b>段</b></p>"),
            ("<img src=\"/uploads/a.jpg\" onerror=\"x()\">", "<img src=\"/uploads/a.jpg\">"),
            ("<script>alert(1)</script>ok", "ok"),
            ("<style>p{}</style>ok", "ok"),
            ("<iframe src=\"https://x.org\"></iframe>", ""),
            ("<svg><script>x</script></svg>", ""),
            ("<a href=\"javascript:x()\">a</a>", "<a rel=\"noopener noreferrer\">a</a>"),
            ("<p style=\"background:url(x)\" onclick=\"x\">a</p>", "<p>a</p>"),
            ("<!-- x -->a & b", "a &amp; b"),
            ("<p>open", "<p>open</p>"),
        ] {
            assert_eq!(clean(given), cleaned, "{given}");
            assert_eq!(clean(cleaned), cleaned, "cleaning again changes nothing");
        }
    }

    #[test]
    fn text_has_no_tags_and_makes_none() {
        assert_eq!(text_of("<h3>协议</h3><p>a &lt;b&gt; &amp; c</p>"), "协议a &lt;b&gt; &amp; c");
        assert_eq!(text_of("<script>alert(1)</script><p>x</p>"), "x");
        assert_eq!(text_of("&lt;script&gt;x"), "&lt;script&gt;x");
    }
}
