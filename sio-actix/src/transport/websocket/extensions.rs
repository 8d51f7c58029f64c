//! Negotiating permessage-deflate (RFC 7692 section 5).

use actix_web::http::header::{HeaderMap, SEC_WEBSOCKET_EXTENSIONS};

const NAME: &str = "permessage-deflate";
/// Neither side keeps a window: see the core's `deflate`.
const GRANTED: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
/// As above, for an offer that limits the server's window to what it is anyway.
const GRANTED_WINDOW: &str = "permessage-deflate; server_no_context_takeover; \
    client_no_context_takeover; server_max_window_bits=15";

/// The answer to the first offer that can be granted; `None`: messages are not compressed.
pub(super) fn negotiate(headers: &HeaderMap) -> Option<&'static str> {
    headers
        .get_all(SEC_WEBSOCKET_EXTENSIONS)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .find_map(grant)
}

fn grant(offer: &str) -> Option<&'static str> {
    let mut parts = offer.split(';').map(str::trim);
    if !parts.next()?.eq_ignore_ascii_case(NAME) {
        return None;
    }
    let mut seen = [false; 4];
    let mut granted = GRANTED;
    for part in parts {
        let (key, value) = match part.split_once('=') {
            Some((key, value)) => (key.trim(), Some(value.trim().trim_matches('"'))),
            None => (part, None),
        };
        let known = match (key, value) {
            ("server_no_context_takeover", None) => 0,
            ("client_no_context_takeover", None) => 1,
            // A window of any size is inflated.
            ("client_max_window_bits", None) => 2,
            ("client_max_window_bits", Some(bits)) if is_window(bits) => 2,
            // The compressor has one window size, shared by all.
            ("server_max_window_bits", Some("15")) => {
                granted = GRANTED_WINDOW;
                3
            }
            _ => return None,
        };
        let slot = seen.get_mut(known)?;
        if std::mem::replace(slot, true) {
            return None;
        }
    }
    Some(granted)
}

fn is_window(bits: &str) -> bool {
    matches!(bits, "8" | "9" | "10" | "11" | "12" | "13" | "14" | "15")
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn answer(offers: &[&'static str]) -> Option<&'static str> {
        let mut headers = HeaderMap::new();
        for offer in offers {
            headers.append(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_static(offer));
        }
        negotiate(&headers)
    }

    #[test]
    fn offers_that_cannot_be_granted_are_declined() {
        for offer in [
            "",
            "x-webkit-deflate-frame",
            "permessage-deflate-2",
            "permessage-deflate; unknown",
            "permessage-deflate; server_no_context_takeover=1",
            "permessage-deflate; server_max_window_bits",
            "permessage-deflate; server_max_window_bits=14",
            "permessage-deflate; client_max_window_bits=16",
            "permessage-deflate; client_max_window_bits=08",
            "permessage-deflate; client_max_window_bits; client_max_window_bits=10",
            "permessage-deflate;",
        ] {
            assert_eq!(answer(&[offer]), None, "{offer}");
        }
    }

    #[test]
    fn the_first_offer_that_fits_is_granted() {
        for offers in [
            &["permessage-deflate"][..],
            &["permessage-deflate; client_max_window_bits"],
            &["PerMessage-Deflate ; client_max_window_bits = \"12\""],
            &["foo, permessage-deflate;server_max_window_bits=10, permessage-deflate"],
            &["foo", "permessage-deflate; server_no_context_takeover"],
        ] {
            assert_eq!(answer(offers), Some(GRANTED), "{offers:?}");
        }
        assert_eq!(
            answer(&["permessage-deflate; server_max_window_bits=15"]),
            Some(GRANTED_WINDOW)
        );
    }
}
