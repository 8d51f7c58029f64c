//! JSONP: polling by script elements and forms, for pages of browsers without cross-origin requests.
//!
//! An answer is a script that calls `___eio[N]` with the payload; input comes as a form with one field.
//! Only sessions that were opened with `j` speak it, so that no other answer can become a script.

use bytes::Bytes;
use sio_core::engine::handshake::query_pairs;

/// The payload as a script; `index` is made of digits.
pub(crate) fn script(index: &str, payload: &str) -> Bytes {
    // Texts always serialise.
    let literal = serde_json::to_string(payload).unwrap_or_default();
    // These end a line of JavaScript, also inside of a literal, in browsers that need this.
    let literal = literal.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029");
    format!("___eio[{index}]({literal});").into()
}

/// The payload that a form carries in `d`; what is no such form carries nothing.
pub(crate) fn payload(form: &[u8]) -> Bytes {
    let form = String::from_utf8_lossy(form);
    let field = query_pairs(&form).filter(|(name, _)| name == "d").last();
    match field {
        Some((_, text)) if text.contains("\\n") => unescape(&text).into(),
        Some((_, text)) => text.into_owned().into(),
        None => Bytes::new(),
    }
}

/// Browsers rewrite the line ends of forms, so clients send `\n` for one, and a doubled backslash where
/// the text itself has a backslash and an n.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\\n") {
        let (before, behind) = rest.split_at(at);
        match before.strip_suffix('\\') {
            Some(before) => {
                out.push_str(before);
                out.push_str("\\n");
            }
            None => {
                out.push_str(before);
                out.push('\n');
            }
        }
        rest = behind.strip_prefix("\\n").unwrap_or_default();
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_form_carries_nothing() {
        for form in ["", "x=1", "4hello", "D=4a"] {
            assert!(payload(form.as_bytes()).is_empty(), "{form}");
        }
    }

    #[test]
    fn fields_are_decoded() {
        assert_eq!(payload(b"d=11%3A42%5B%22m%22%2C%22a%22%5D"), r#"11:42["m","a"]"#);
        assert_eq!(payload(b"x=1&d=4a+b%2Bc&y"), "4a b+c");
    }

    #[test]
    fn line_ends_are_restored() {
        for (sent, meant) in [
            (r"4a\nb", "4a\nb"),
            (r"4a\\nb", r"4a\nb"),
            (r"4a\\\nb", r"4a\\nb"),
            (r"\n\n", "\n\n"),
            (r"\n\\n\", "\n\\n\\"),
            (r"\t\\t", r"\t\\t"),
        ] {
            assert_eq!(unescape(sent), meant, "{sent}");
        }
    }

    #[test]
    fn scripts_are_json_without_line_separators() {
        assert_eq!(script("0", "2:40"), r#"___eio[0]("2:40");"#);
        assert_eq!(
            script("12", "4\"\\\u{1e}\n\u{2028}\u{2029}é</script>"),
            r#"___eio[12]("4\"\\\u001e\n\u2028\u2029é</script>");"#
        );
    }
}
