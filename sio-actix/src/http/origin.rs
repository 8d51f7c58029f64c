//! Pages of other origins that open sessions in the name of their visitors.
//!
//! Browsers send the cookies of a site along with whatever a page of another one asks of it, and CORS does not
//! keep a page from opening a WebSocket. Who trusts cookies has to look at where a handshake comes from; a
//! request without cookies can do nothing that its sender could not do anywhere.

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderName, HeaderValue};

use super::cors::Policy;

/// Browsers say in it where a request comes from, also where they send no `Origin` (Fetch Metadata).
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Which pages may open sessions, by either transport; for
/// [`IoBuilder::origin_policy`](crate::IoBuilder::origin_policy).
///
/// A handshake is foreign if its `Origin` is neither that of the server nor one that
/// [`IoBuilder::cors`](crate::IoBuilder::cors) allows. The server's is told by `Host`, or by what a proxy says in
/// `X-Forwarded-Host` or `Forwarded`; scheme, host and port have to be the same, and an `http` page is foreign
/// to a server that is reached by `https`. What the browser says itself goes before: with `Sec-Fetch-Site:
/// same-origin` nothing is foreign, also behind a proxy that hides the host, and what carries no `Origin` is
/// foreign if it says that another site asks. Clients that are no browsers send neither, and are never foreign.
///
/// [`Cors::any`](crate::Cors::any) and [`Cors::mirror`](crate::Cors::mirror) allow all origins here as well.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OriginPolicy {
    /// Everybody may, as in the reference.
    Off,
    /// Foreign handshakes with cookies are refused with 403.
    ///
    /// Differs from the reference, which answers them: a page anywhere could then speak for whoever visits it.
    #[default]
    Cookies,
    /// Foreign handshakes are refused with 403, with cookies or without.
    Strict,
}

impl OriginPolicy {
    /// The origin of a handshake that is to be refused; `Some(None)`: the browser names none.
    pub(crate) fn refuses(
        self,
        request: &HttpRequest,
        cors: Option<&Policy>,
    ) -> Option<Option<String>> {
        let headers = request.headers();
        match self {
            Self::Off => return None,
            Self::Cookies if !headers.contains_key(header::COOKIE) => return None,
            Self::Cookies | Self::Strict => {}
        }
        // No page can set this header.
        let site = headers.get(SEC_FETCH_SITE).map(HeaderValue::as_bytes);
        if site == Some(b"same-origin") {
            return None;
        }
        if !headers.contains_key(header::ORIGIN) {
            return matches!(site, Some(b"cross-site" | b"same-site")).then_some(None);
        }
        headers.get_all(header::ORIGIN).find_map(|origin| {
            let text = origin.to_str().unwrap_or_default();
            let allowed = is_own(text, request) || cors.is_some_and(|cors| cors.allows(text));
            (!allowed).then(|| Some(String::from_utf8_lossy(origin.as_bytes()).into_owned()))
        })
    }
}

/// The page comes from this server, as its client knows it.
fn is_own(origin: &str, request: &HttpRequest) -> bool {
    let Some((scheme, page)) = origin.split_once("://") else { return false };
    let secure = scheme.eq_ignore_ascii_case("https");
    // No server's pages have another scheme; those of an app may have its host.
    if !secure && !scheme.eq_ignore_ascii_case("http") {
        return false;
    }
    let info = request.connection_info();
    // Whether a proxy ended TLS is known only where it says so.
    let reached_securely =
        ["https", "wss"].iter().any(|tls| info.scheme().eq_ignore_ascii_case(tls));
    if reached_securely && !secure {
        return false;
    }
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    host.into_iter().chain([info.host()]).any(|host| is_same(scheme, page, host))
}

/// Host and port are the same; a port that is not named is that of the scheme.
fn is_same(scheme: &str, page: &str, server: &str) -> bool {
    let default = if scheme.eq_ignore_ascii_case("https") { "443" } else { "80" };
    let ((page, page_port), (server, server_port)) = (parts(page), parts(server));
    !page.is_empty()
        && page.eq_ignore_ascii_case(server)
        && page_port.unwrap_or(default) == server_port.unwrap_or(default)
}

/// Host and port; the colons of an IPv6 address are within brackets.
fn parts(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            (host, Some(port).filter(|port| !port.is_empty()))
        }
        _ => (authority, None),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;
    use crate::Cors;

    fn refuses(policy: OriginPolicy, cors: Option<Cors>, headers: &[(&str, &str)]) -> bool {
        let mut request = TestRequest::default();
        for (name, value) in headers {
            request = request.append_header((*name, *value));
        }
        let cors = cors.and_then(|cors| cors.compile(&mut Vec::new()));
        policy.refuses(&request.to_http_request(), cors.as_ref()).is_some()
    }

    #[test]
    fn origins_are_the_servers_own_or_foreign() {
        for (origin, host, own) in [
            ("http://a.example", "a.example", true),
            ("http://A.Example", "a.example", true),
            ("https://a.example", "a.example", true),
            ("https://a.example", "a.example:443", true),
            ("http://a.example:80", "a.example", true),
            ("http://a.example:3000", "a.example:3000", true),
            ("http://[::1]:3000", "[::1]:3000", true),
            ("http://[::1]", "[::1]", true),
            ("null", "a.example", false),
            ("", "a.example", false),
            ("http://", "", false),
            ("app://a.example", "a.example", false),
            ("a.example", "a.example", false),
            ("http://a.example:3001", "a.example:3000", false),
            ("http://a.example", "a.example:3000", false),
            ("http://a.example:443", "a.example", false),
            ("http://a.example.evil.example", "a.example", false),
            ("http://evil.example", "a.example", false),
            ("http://a.example@evil.example", "a.example", false),
            ("http://[::1]", "[::2]", false),
        ] {
            let headers = [("cookie", "a=1"), ("origin", origin), ("host", host)];
            assert_eq!(refuses(OriginPolicy::Cookies, None, &headers), !own, "{origin} at {host}");
        }
    }

    #[test]
    fn a_proxy_says_how_its_client_knows_the_server() {
        let forwarded = ("x-forwarded-host", "a.example");
        for (origin, proto, own) in [
            ("https://a.example", "https", true),
            ("http://a.example", "http", true),
            ("http://a.example", "https", false),
            ("http://a.example", "HTTPS", false),
            ("https://a.example", "HTTPS", true),
            ("https://b.example", "https", false),
        ] {
            let headers = [
                ("cookie", "a=1"),
                ("origin", origin),
                ("host", "10.0.0.1:3000"),
                forwarded,
                ("x-forwarded-proto", proto),
            ];
            assert_eq!(refuses(OriginPolicy::Cookies, None, &headers), !own, "{origin} by {proto}");
        }
    }

    #[test]
    fn only_what_could_be_a_foreign_page_is_refused() {
        let (cookie, host) = (("cookie", "a=1"), ("host", "a.example"));
        let (evil, cross) = (("origin", "http://evil.example"), ("sec-fetch-site", "cross-site"));
        let own = ("sec-fetch-site", "same-origin");
        for (headers, cookies, strict) in [
            (vec![host], false, false),
            (vec![host, cookie], false, false),
            (vec![host, cookie, own], false, false),
            // The proxy says nothing of the host, but the browser knows.
            (vec![cookie, own, ("origin", "http://a.example"), ("host", "10.0.0.1")], false, false),
            (vec![cookie, ("origin", "http://a.example"), ("host", "10.0.0.1")], true, true),
            (vec![host, evil], false, true),
            (vec![host, cross], false, true),
            (vec![host, cookie, evil], true, true),
            (vec![host, cookie, cross], true, true),
        ] {
            assert!(!refuses(OriginPolicy::Off, None, &headers));
            assert_eq!(refuses(OriginPolicy::Cookies, None, &headers), cookies, "{headers:?}");
            assert_eq!(refuses(OriginPolicy::Strict, None, &headers), strict, "{headers:?}");
        }
    }

    #[test]
    fn what_cors_allows_may_open_sessions() {
        let headers = [("cookie", "a=1"), ("origin", "https://app.example"), ("host", "a.example")];
        for (cors, allowed) in [
            (Cors::list(["https://app.example"]), true),
            (Cors::list(["https://other.example", "http://app.example"]), false),
            (Cors::list(["https://app.example:8443"]), false),
            (Cors::fixed("https://app.example"), true),
            (Cors::fixed("https://other.example"), false),
            (Cors::any(), true),
            (Cors::mirror(), true),
            (Cors::list([""; 0]).origin_pattern(r"https://[a-z]+\.example"), true),
            (Cors::list([""; 0]).origin_if(|_| panic!("decides nothing")), false),
        ] {
            let shown = format!("{:?}", cors.clone().credentials(false));
            assert_eq!(refuses(OriginPolicy::Strict, Some(cors), &headers), !allowed, "{shown}");
        }
    }
}
