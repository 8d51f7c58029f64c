//! Headers that are gathered before an answer exists, and put on whatever answer comes.

use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};

/// Replaces a header of the gathered ones, as a later `setHeader` would; cookies and `Vary` add up.
pub(crate) fn gather(headers: &mut HeaderMap, more: &HeaderMap) {
    for name in more.keys() {
        if name == header::VARY || name == header::SET_COOKIE {
            add(headers, name, more);
        } else {
            headers.remove(name);
            for value in more.get_all(name) {
                headers.append(name.clone(), value.clone());
            }
        }
    }
}

/// Puts the gathered headers on an answer. What the answer says itself stays, for it knows its own type,
/// length and cacheability; cookies and `Vary` add up.
pub(crate) fn put(response: &mut HttpResponse, gathered: &HeaderMap) {
    let headers = response.headers_mut();
    for name in gathered.keys() {
        if name == header::VARY || name == header::SET_COOKIE {
            add(headers, name, gathered);
        } else if !is_framing(name) && !headers.contains_key(name) {
            for value in gathered.get_all(name) {
                headers.append(name.clone(), value.clone());
            }
        }
    }
}

/// How long a body is and who ends the connection is the HTTP layer's to say.
fn is_framing(name: &HeaderName) -> bool {
    *name == header::CONTENT_LENGTH
        || *name == header::TRANSFER_ENCODING
        || *name == header::CONNECTION
}

fn add(headers: &mut HeaderMap, name: &HeaderName, more: &HeaderMap) {
    for value in more.get_all(name) {
        if name == header::VARY {
            vary(headers, value);
        } else {
            headers.append(name.clone(), value.clone());
        }
    }
}

/// Adds to `Vary`, which stays one header.
pub(crate) fn vary(headers: &mut HeaderMap, on: &HeaderValue) {
    let joined = match headers.get(header::VARY) {
        Some(known) => {
            let joined = [known.as_bytes(), b", ", on.as_bytes()].concat();
            HeaderValue::from_bytes(&joined).unwrap_or_else(|_| on.clone())
        }
        None => on.clone(),
    };
    headers.insert(header::VARY, joined);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        map
    }

    #[test]
    fn an_answer_keeps_what_it_says_itself() {
        let mut response = HttpResponse::Ok().insert_header(("cache-control", "no-store")).finish();
        put(
            &mut response,
            &map(&[
                ("cache-control", "public"),
                ("content-length", "7"),
                ("x-a", "1"),
                ("x-a", "2"),
            ]),
        );
        assert_eq!(response.headers().get("cache-control").unwrap(), "no-store");
        assert!(!response.headers().contains_key("content-length"));
        let all: Vec<_> = response.headers().get_all("x-a").collect();
        assert_eq!(all, ["1", "2"]);
    }

    #[test]
    fn cookies_and_vary_add_up() {
        let mut headers = map(&[("vary", "Origin"), ("set-cookie", "a=1"), ("x-a", "1")]);
        gather(&mut headers, &map(&[("vary", "X-B"), ("set-cookie", "b=2"), ("x-a", "2")]));
        assert_eq!(headers.get("vary").unwrap(), "Origin, X-B");
        assert_eq!(headers.get_all("set-cookie").count(), 2);
        assert_eq!(headers.get_all("x-a").count(), 1);
    }
}
