//! Forms: names in any case, with or without the parameter's name in front (`parm.username`, `parm[username]`); of two
//! members with one name the first counts.

use super::members::{Members, PARAMETER, Unreadable, index};
use crate::byte_order_mark;

/// Errors: text that is not UTF-8 once it is decoded.
pub fn read(body: &[u8]) -> Result<Members, Unreadable> {
    let pairs: Vec<(String, String)> =
        serde_urlencoded::from_bytes(byte_order_mark::without(body)).map_err(Unreadable::body)?;
    let mut members = Members::default();
    for (name, value) in pairs {
        // The decoder puts this in place of what is no UTF-8.
        if value.contains(char::REPLACEMENT_CHARACTER) {
            return Err(Unreadable::body("The form is not in UTF-8."));
        }
        if let Some(at) = index(plain(&name))
            && !members.is_set(at)
        {
            members.set(at, Some(value));
        }
    }
    Ok(members)
}

fn plain(name: &str) -> &str {
    match name.split_at_checked(PARAMETER.len()) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case(PARAMETER) => {
            let bracketed = rest.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
            rest.strip_prefix('.').or(bracketed).unwrap_or(name)
        }
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: [Option<&str>; 4]) -> Members {
        let mut members = Members::default();
        values.into_iter().enumerate().for_each(|(at, value)| members.set(at, value.map(str::to_owned)));
        members
    }

    #[test]
    fn members_with_and_without_their_parameter() {
        let all = of([Some("跑者"), Some("a+b/="), Some("13800138000"), Some("1 2")]);
        for form in [
            "username=%E8%B7%91%E8%80%85&password=a%2Bb%2F%3D&mobile=13800138000&verifycode=1+2&x=y",
            "parm.UserName=%E8%B7%91%E8%80%85&PARM.password=a%2Bb/=&Parm[mobile]=13800138000&verifycode=1%202",
            "username=%E8%B7%91%E8%80%85&username=other&password=a%2Bb/=&mobile=13800138000&verifycode=1+2&&=",
        ] {
            assert_eq!(read(form.as_bytes()), Ok(all.clone()), "{form}");
        }
        assert_eq!(read(b"parmusername=a&parm.=b&parm[username=c&parm=d"), Ok(Members::default()));
        assert_eq!(read("\u{feff}username=".as_bytes()), Ok(of([Some(""), None, None, None])));
        assert_eq!(read(b"username"), Ok(of([Some(""), None, None, None])));
        assert!(read(b"username=%FF").is_err() && read(b"username=\xff").is_err());
    }
}
