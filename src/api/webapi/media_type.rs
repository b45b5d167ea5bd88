//! Which format a body has, and which the reply gets: the rules of ASP.NET Web API. Quality first, then how exact a
//! range is, then JSON before XML before BSON; where nothing fits the reply is JSON and never 406.

/// A format of bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Json,
    Xml,
    /// Only read.
    Form,
    Bson,
}

/// Media types in the order in which they are asked.
const MEDIA: [(&str, Format); 6] = [
    ("application/json", Format::Json),
    ("text/json", Format::Json),
    ("application/xml", Format::Xml),
    ("text/xml", Format::Xml),
    ("application/x-www-form-urlencoded", Format::Form),
    ("application/bson", Format::Bson),
];
/// Entries of a header that are looked at.
const MOST_ENTRIES: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    Utf8,
    /// Little-endian, with its mark in front.
    Utf16,
}

/// A `Content-Type`, lower-case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaType {
    pub name: String,
    pub charset: Option<String>,
}

impl MediaType {
    /// `None`: the text is no media type.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let (kind, subtype) = name.split_once('/')?;
        if !is_token(kind) || !is_token(subtype) {
            return None;
        }
        let charset = parts.find_map(|part| parameter(part, "charset"));
        Some(Self { charset: charset.map(|text| text.trim_matches('"').to_ascii_lowercase()), name })
    }

    pub fn format(&self) -> Option<Format> {
        MEDIA.iter().find(|(name, _)| *name == self.name).map(|(_, format)| *format)
    }
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

fn parameter<'p>(part: &'p str, name: &str) -> Option<&'p str> {
    let (key, value) = part.split_once('=')?;
    key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
}

/// What a reply is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Output {
    pub format: Format,
    media: &'static str,
    pub charset: Charset,
}

impl Output {
    pub fn content_type(&self) -> String {
        match (self.format, self.charset) {
            (Format::Bson | Format::Form, _) => self.media.to_owned(),
            (_, Charset::Utf8) => format!("{}; charset=utf-8", self.media),
            (_, Charset::Utf16) => format!("{}; charset=utf-16", self.media),
        }
    }
}

/// The headers that choose a reply's format.
#[derive(Debug, Clone, Default)]
pub struct Wishes<'r> {
    pub accept: &'r str,
    pub accept_charset: &'r str,
    /// `X-Requested-With: XMLHttpRequest`
    pub by_script: bool,
    /// The request's own `Content-Type`.
    pub sent: Option<&'r MediaType>,
}

/// One entry of `Accept`; `quality` in thousandths.
struct Range {
    name: String,
    quality: u32,
}

impl Range {
    /// How exact it is: 2 a type, 1 `text/*`, 0 `*/*`.
    fn rank(&self) -> u32 {
        match self.name.as_str() {
            "*/*" => 0,
            name if name.ends_with("/*") => 1,
            _ => 2,
        }
    }

    fn covers(&self, media: &str) -> bool {
        match self.name.strip_suffix('*') {
            Some("*/") => true,
            Some(kind) => media.starts_with(kind),
            None => self.name == media,
        }
    }
}

/// The format that the wishes lead to.
pub fn negotiate(wishes: &Wishes<'_>) -> Output {
    let mut ranges = entries(wishes.accept);
    ranges.sort_by_key(|range| std::cmp::Reverse((range.quality, range.rank())));
    let media = if wishes.by_script && ranges.iter().all(|range| range.name == "*/*") {
        "application/json"
    } else if ranges.is_empty() {
        let same = wishes.sent.and_then(|sent| MEDIA.iter().find(|(name, _)| *name == sent.name));
        same.filter(|(_, format)| *format != Format::Form).map_or("application/json", |(name, _)| *name)
    } else {
        best(&ranges).unwrap_or("application/json")
    };
    let format = MEDIA.iter().find(|(name, _)| *name == media).map_or(Format::Json, |(_, format)| *format);
    Output { format, media, charset: charset(wishes.accept_charset) }
}

/// Each format with its own best range; the best of these.
fn best(ranges: &[Range]) -> Option<&'static str> {
    let mut best: Option<(&'static str, u32, u32)> = None;
    for format in [Format::Json, Format::Xml, Format::Bson] {
        let media = || MEDIA.iter().filter(|(_, it)| *it == format).map(|(name, _)| *name);
        let found = ranges.iter().find_map(|range| Some((media().find(|name| range.covers(name))?, range)));
        if let Some((name, range)) = found
            && best.is_none_or(|(_, quality, rank)| (range.quality, range.rank()) > (quality, rank))
        {
            best = Some((name, range.quality, range.rank()));
        }
    }
    best.map(|(name, _, _)| name)
}

/// Entries that are wanted at all.
fn entries(header: &str) -> Vec<Range> {
    let entry = |text: &str| {
        let mut parts = text.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let quality = match parts.find_map(|part| parameter(part, "q")) {
            None => 1000,
            Some(text) => quality(text)?,
        };
        (!name.is_empty() && quality > 0).then_some(Range { name, quality })
    };
    header.split(',').take(MOST_ENTRIES).filter_map(entry).collect()
}

/// 0 to 1 with three decimals at most, in thousandths.
fn quality(text: &str) -> Option<u32> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let thousandths: u32 = format!("{decimals:0<3}").parse().ok()?;
    match whole {
        "0" => Some(thousandths),
        "1" if thousandths == 0 => Some(1000),
        _ => None,
    }
}

fn charset(header: &str) -> Charset {
    let mut wanted = entries(header);
    wanted.sort_by_key(|range| std::cmp::Reverse(range.quality));
    let known = wanted.iter().find_map(|range| match range.name.as_str() {
        "utf-8" | "*" => Some(Charset::Utf8),
        "utf-16" => Some(Charset::Utf16),
        _ => None,
    });
    known.unwrap_or(Charset::Utf8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types() {
        let parse = |text: &str| MediaType::parse(text).map(|it| (it.format(), it.charset));
        assert_eq!(parse("Application/JSON; charset=\"UTF-16\""), Some((Some(Format::Json), Some("utf-16".into()))));
        assert_eq!(parse("text/xml;x=1;charset=gbk"), Some((Some(Format::Xml), Some("gbk".into()))));
        assert_eq!(parse("application/x-www-form-urlencoded"), Some((Some(Format::Form), None)));
        assert_eq!(parse("multipart/form-data; boundary=x"), Some((None, None)));
        for none in ["", "json", "/", "a/", "/b", "a b/c", "a/b c", "跑/步"] {
            assert_eq!(parse(none), None, "{none}");
        }
    }

    #[test]
    fn the_reply_s_format() {
        let chrome = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";
        let old = "text/html, application/xhtml+xml, */*";
        for (accept, sent, by_script, expected) in [
            ("", None, false, "application/json"),
            ("", Some("application/xml"), false, "application/xml"),
            ("", Some("text/xml; charset=utf-8"), false, "text/xml"),
            ("", Some("text/json"), false, "text/json"),
            ("", Some("application/bson"), false, "application/bson"),
            ("", Some("application/x-www-form-urlencoded"), false, "application/json"),
            ("", Some("image/png"), false, "application/json"),
            ("application/xml", Some("application/json"), false, "application/xml"),
            ("TEXT/XML", None, false, "text/xml"),
            ("application/bson", None, false, "application/bson"),
            ("application/json;charset=utf-8", None, false, "application/json"),
            ("image/png", Some("application/xml"), false, "application/json"),
            ("application/x-www-form-urlencoded", None, false, "application/json"),
            (chrome, None, false, "application/xml"),
            (old, None, false, "application/json"),
            ("*/*", Some("application/xml"), false, "application/json"),
            ("*/*, application/xml", None, false, "application/xml"),
            ("application/xml;q=0.5, */*;q=0.8", None, false, "application/json"),
            ("application/*", None, false, "application/json"),
            ("text/*", None, false, "text/json"),
            ("text/*, text/xml", None, false, "text/xml"),
            ("application/bson;q=0.5, text/*;q=0.4", None, false, "application/bson"),
            ("application/bson;q=0.4, text/*;q=0.5", None, false, "text/json"),
            ("application/json;q=0.1, application/bson;q=0.101", None, false, "application/bson"),
            ("application/json, application/xml", None, false, "application/json"),
            ("application/xml;q=0, text/html", None, false, "application/json"),
            ("application/xml;q=2", None, false, "application/json"),
            ("application/xml;q=0.1234", None, false, "application/json"),
            ("", Some("application/xml"), true, "application/json"),
            ("*/*", Some("application/xml"), true, "application/json"),
            ("application/xml", None, true, "application/xml"),
        ] {
            let sent = sent.and_then(MediaType::parse);
            let wishes = Wishes { accept, by_script, sent: sent.as_ref(), ..Wishes::default() };
            assert_eq!(negotiate(&wishes).media, expected, "{accept} {sent:?} {by_script}");
        }
    }

    #[test]
    fn the_reply_s_charset() {
        for (accept, accept_charset, expected) in [
            ("", "", "application/json; charset=utf-8"),
            ("", "utf-16", "application/json; charset=utf-16"),
            ("text/xml", "utf-8;q=0.5, UTF-16", "text/xml; charset=utf-16"),
            ("text/xml", "gbk, *;q=0.1", "text/xml; charset=utf-8"),
            ("application/bson", "utf-16", "application/bson"),
        ] {
            let wishes = Wishes { accept, accept_charset, ..Wishes::default() };
            assert_eq!(negotiate(&wishes).content_type(), expected);
        }
    }
}
