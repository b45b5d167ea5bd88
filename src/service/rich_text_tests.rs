use proptest::prelude::*;

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
        ("<svg onload=x><p title=\"</svg><img src=x onerror=y>\">a", "<p title=\"</svg><img src=x onerror=y>\">a</p>"),
        ("<scr<script>x</script>ipt>alert(1)</script>", "xipt&gt;alert(1)"),
        ("<math><mtext><style><img src=x onerror=y></style>", ""),
        (
            "<noscript><p title=\"</noscript><img src=x onerror=y>\">",
            "<p title=\"</noscript><img src=x onerror=y>\"></p>",
        ),
        ("<textarea><img src=x onerror=y></textarea>", "&lt;img src=x onerror=y&gt;"),
        ("<a href=\"javascript:x()\">a</a>", "<a rel=\"noopener noreferrer\">a</a>"),
        ("<p style=\"background:url(x)\" onclick=\"x\">a</p>", "<p>a</p>"),
        ("<!-- x -->a & b", "a &amp; b"),
        ("a < b <", "a &lt; b &lt;"),
        ("<p>open", "<p>open</p>"),
    ] {
        // What stands in an attribute is a text, and the cleaner may write it with or without entities.
        let got = clean(given).unwrap();
        let plain = |text: &str| text.replace("&lt;", "<").replace("&gt;", ">");
        assert_eq!(plain(&got), plain(cleaned), "{given}");
        assert!(!got.contains("<script") && !got.contains("<img src=\"x\" onerror"), "{given}: {got}");
        assert_eq!(clean(&got).as_deref(), Ok(got.as_str()), "cleaning again changes nothing");
    }
}

#[test]
fn texts_that_would_be_too_much_work_are_refused_by_their_reason() {
    let formatting: String = (0..4_000).map(|number| format!("<b c={number}><p>")).collect();
    let distinct: String = (0..16).map(|number| format!("<b title=\"{number}{}\">", "x".repeat(1_000))).collect();
    let attributes: String = (0..20_000).map(|number| format!(" a{number}")).collect();
    let behind = |cover: &str| {
        // End tags that the parser does not see, or does not let end anything.
        (0..4_000).map(|number| format!("<b c={number}>{cover}<p>")).collect::<String>()
    };
    for (name, html, reason) in [
        ("formatting", formatting, "elements such as <b>"),
        ("long attributes", format!("{distinct}{}", "<p>x".repeat(3_000)), "around too many others"),
        ("in a comment", behind("<!--</b>-->"), "elements such as <b>"),
        ("in an object", behind("<object></b></object>"), "tags"),
        ("in a table", behind("<table></b></table>"), "elements such as <b>"),
        ("in svg", behind("<svg><title></b></title></svg>"), "elements such as <b>"),
        ("in math", behind("<math><mi></b></mi></math>"), "tags"),
        ("in a script", behind("<script></b></script>"), "elements such as <b>"),
        ("in a textarea", behind("<textarea></b></textarea>"), "elements such as <b>"),
        ("in an attribute", behind("<i title='</b>'></i>"), "elements such as <b>"),
        ("deep", "<div>".repeat(10_000), "deep"),
        ("deep lists", "<ul><li>".repeat(7_000), "deep"),
        ("deep tables", "<table><tr><td>".repeat(4_000), "deep"),
        ("deep behind tables", "<div><table></div></table>".repeat(2_000), "end tags that do not end"),
        ("deep behind inline", "<span><div></span></div>".repeat(2_000), "end tags that do not end"),
        ("tags", "<br>".repeat(15_000), "tags"),
        ("end tags", "</p>".repeat(15_000), "end tags"),
        ("attributes", format!("<p{attributes}>"), "attributes"),
        ("a pasted picture", format!("<img src=\"data:image/png;base64,{}\">", "A".repeat(50_000)), "uploaded"),
        ("entities", "&".repeat(60_000), "twice"),
        ("rel", "<a>x</a>".repeat(4_000), "twice"),
    ] {
        match clean(&html) {
            Err(told) => assert!(!reason.is_empty() && told.contains(reason), "{name}: {told}"),
            Ok(cleaned) => {
                assert!(reason.is_empty(), "{name} was taken");
                assert!(cleaned.len() <= 2 * html.len() + FREE_BYTES, "{name}");
            }
        }
    }
}

#[test]
fn what_is_taken_comes_out_bounded() {
    // Foster parents, foreign elements and what a browser repairs, within the bounds.
    for html in [
        "<table>a<b>b".repeat(16),
        format!("<table>{}</table>", "x<i>y</i>".repeat(3_000)),
        format!("<table>{}</table>", "<p>x</p>".repeat(4_000)),
        "<svg><p>x</svg><math><mi>y</math>".repeat(1_500),
        format!("{}{}", "<b>".repeat(16), "<p>x".repeat(4_000)),
        "<a href=x><a href=y>".repeat(8),
        "<select><option>x</select><form><input>".repeat(1_500),
    ] {
        if let Ok(cleaned) = clean(&html) {
            assert!(cleaned.len() <= 2 * html.len() + FREE_BYTES);
        }
    }
}

#[test]
fn text_has_no_tags_and_makes_none() {
    assert_eq!(text_of("<h3>协议</h3><p>a &lt;b&gt; &amp; c&nbsp;d</p>"), "协议a &lt;b&gt; &amp; c&nbsp;d");
    assert_eq!(text_of("<script>alert(1)</script><p>x</p>"), "x");
    assert_eq!(text_of("&lt;script&gt;x"), "&lt;script&gt;x");
    assert_eq!(
        text_of("1 < 2 > 0 & R&D; &#60; <textarea><b></textarea>"),
        "1 &lt; 2 &gt; 0 &amp; R&D; &#60; &lt;b&gt;"
    );
    assert_eq!(text_of("a<p title='x"), "a");
}

#[tokio::test]
async fn one_is_cleaned_at_a_time_and_few_wait() {
    let rich = RichText { patience: Duration::ZERO, ..RichText::default() };
    let clean = || rich.clean_all(vec![("content", "<p>x".to_owned())]);
    let turn = rich.turn.clone().acquire_owned().await.unwrap();
    assert_eq!(clean().await, Err(DomainError::BUSY), "a waiting caller gets an answer in the end");
    drop(turn);
    assert_eq!(clean().await, Ok(vec!["<p>x</p>".to_owned()]));
    let all = rich.waiting.try_acquire_many(MOST_WAITING as u32).unwrap();
    assert_eq!(clean().await, Err(DomainError::BUSY));
    let both = vec![("feature", "x".to_owned()), ("honor", "<div>".repeat(1_000))];
    drop(all);
    let refused = rich.clean_all(both).await;
    assert!(matches!(refused, Err(DomainError::InvalidField { ref field, .. }) if field == "honor"), "{refused:?}");
}

/// Pieces that parsers repair.
const PIECES: [&str; 36] = [
    "<b c=1>",
    "<b c=2>",
    "<i>",
    "<a href=x>",
    "</b>",
    "</i>",
    "</a>",
    "<p>",
    "</p>",
    "<div>",
    "</div>",
    "<span>",
    "</span>",
    "<table>",
    "</table>",
    "<tr>",
    "</tr>",
    "<td>",
    "</td>",
    "<caption>",
    "</caption>",
    "<colgroup>",
    "<tbody>",
    "<li>",
    "</li>",
    "<ul>",
    "</ul>",
    "<dd>",
    "<h1>",
    "</h1>",
    "x",
    "<hr>",
    "<ruby><rt>",
    "</ruby>",
    "<code t=3>",
    "</code>",
];

proptest! {
    /// The count must see what the parser will do: what passes it is never written much longer than it was counted.
    #[test]
    fn what_passes_the_count_stays_near_its_size(pieces in prop::collection::vec(0..PIECES.len(), 1..400), times in 1_usize..8) {
        let html = pieces.iter().map(|index| PIECES[*index]).collect::<String>().repeat(times);
        if let Ok(outlined) = outline::outline(&html, &KNOWN_TAGS.clone_tags()) {
            let cleaned = KNOWN_TAGS.clean(&outlined).to_string();
            let most = 16 * html.len() + 128 * 1024;
            prop_assert!(cleaned.len() <= most, "{} became {}", html.len(), cleaned.len());
        }
    }
}
