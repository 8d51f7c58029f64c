//! The session cookie that load balancers stick to; off unless configured.

use std::fmt::Write as _;
use std::time::Duration;

use actix_web::http::header::HeaderValue;
use sio_core::sid::Sid;

use crate::config::InvalidOption;

/// When browsers send a cookie along with requests of other sites.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SameSite {
    /// Never.
    Strict,
    /// When a link leads here.
    Lax,
    /// Always; the cookie has to be secure.
    None,
}

/// A cookie with the session id on the answer to each polling handshake; for
/// [`IoBuilder::cookie`](crate::IoBuilder::cookie).
///
/// It helps a load balancer to send a session's requests to one node. The server never reads it: who
/// knows the id in the query has the session.
///
/// ```
/// use sio_actix::{Cookie, Io, SameSite};
///
/// let io = Io::builder().cookie(Cookie::new("sid").same_site(SameSite::Strict)).build();
/// # drop(io);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cookie {
    name: String,
    path: Option<String>,
    domain: Option<String>,
    http_only: bool,
    same_site: Option<SameSite>,
    secure: bool,
    partitioned: bool,
    max_age: Option<Duration>,
}

impl Default for Cookie {
    /// The reference's `cookie: true`: `io`.
    fn default() -> Self {
        Self::new("io")
    }
}

impl Cookie {
    /// A cookie with `Path=/; HttpOnly; SameSite=Lax`, and `Secure` for handshakes that came over TLS.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            path: Some("/".to_owned()),
            domain: None,
            http_only: true,
            same_site: Some(SameSite::Lax),
            secure: false,
            partitioned: false,
            max_age: None,
        }
    }

    /// The path it is sent to; `None` leaves the attribute out.
    #[must_use]
    pub fn path(mut self, path: Option<&str>) -> Self {
        self.path = path.map(str::to_owned);
        self
    }

    /// The domain whose hosts get it; by default only this host.
    #[must_use]
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// Whether scripts are kept from it, as they are by default.
    #[must_use]
    pub const fn http_only(mut self, hidden: bool) -> Self {
        self.http_only = hidden;
        self
    }

    /// When other sites' requests carry it; `None` leaves the attribute out.
    #[must_use]
    pub fn same_site(mut self, same_site: impl Into<Option<SameSite>>) -> Self {
        self.same_site = same_site.into();
        self
    }

    /// Whether it is `Secure` also when the handshake came without TLS, as behind a proxy that ends it.
    #[must_use]
    pub const fn secure(mut self, secure: bool) -> Self {
        self.secure = secure;
        self
    }

    /// Whether each embedding site gets its own.
    #[must_use]
    pub const fn partitioned(mut self, partitioned: bool) -> Self {
        self.partitioned = partitioned;
        self
    }

    /// How long it lives, in whole seconds; by default as long as the browser runs.
    #[must_use]
    pub const fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    /// Whether it can be written.
    pub(crate) fn check(&self, faults: &mut Vec<InvalidOption>) {
        let is_token =
            |byte: u8| byte.is_ascii_graphic() && !br#"()<>@,;:\"/[]?={}"#.contains(&byte);
        if self.name.is_empty() || !self.name.bytes().all(is_token) {
            faults.push(InvalidOption::new("cookie.name", "is no cookie name"));
        }
        let is_text = |text: &str| {
            !text.is_empty() && text.bytes().all(|byte| matches!(byte, 0x20..=0x7e) && byte != b';')
        };
        if !self.path.as_deref().is_none_or(is_text) {
            faults.push(InvalidOption::new("cookie.path", "is no cookie path"));
        }
        if !self.domain.as_deref().is_none_or(is_text) {
            faults.push(InvalidOption::new("cookie.domain", "is no domain"));
        }
        let needs_secure = self.partitioned || self.same_site == Some(SameSite::None);
        if needs_secure && !self.secure {
            let name = if self.partitioned { "cookie.partitioned" } else { "cookie.sameSite" };
            let problem = "needs `secure`: browsers drop the cookie otherwise";
            faults.push(InvalidOption::new(name, problem));
        }
    }

    /// The header's value; `tls`: the handshake came over TLS.
    pub(crate) fn header(&self, sid: &Sid, tls: bool) -> Option<HeaderValue> {
        let mut text = format!("{}={sid}", self.name);
        if let Some(age) = self.max_age {
            // Writing to a text cannot fail.
            let _infallible = write!(text, "; Max-Age={}", age.as_secs());
        }
        for (name, value) in [("Domain", &self.domain), ("Path", &self.path)] {
            if let Some(value) = value {
                let _infallible = write!(text, "; {name}={value}");
            }
        }
        for (flag, name) in [
            (self.http_only, "; HttpOnly"),
            (self.secure || tls, "; Secure"),
            (self.partitioned, "; Partitioned"),
        ] {
            if flag {
                text.push_str(name);
            }
        }
        text.push_str(match self.same_site {
            Some(SameSite::Strict) => "; SameSite=Strict",
            Some(SameSite::Lax) => "; SameSite=Lax",
            Some(SameSite::None) => "; SameSite=None",
            None => "",
        });
        HeaderValue::from_str(&text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_browsers_would_drop_or_misread_is_refused() {
        for (cookie, name) in [
            (Cookie::new(""), "cookie.name"),
            (Cookie::new("a=b"), "cookie.name"),
            (Cookie::new("a\r\nb"), "cookie.name"),
            (Cookie::default().path(Some("/;x")), "cookie.path"),
            (Cookie::default().domain("a\nb"), "cookie.domain"),
            (Cookie::default().same_site(SameSite::None), "cookie.sameSite"),
            (Cookie::default().partitioned(true), "cookie.partitioned"),
        ] {
            let mut faults = Vec::new();
            cookie.check(&mut faults);
            assert_eq!(faults.len(), 1, "{cookie:?}");
            assert!(faults[0].to_string().contains(name), "{faults:?}");
        }
    }

    #[test]
    fn tls_makes_it_secure() {
        let sid = Sid::custom("s").unwrap();
        let plain = Cookie::default().header(&sid, false).unwrap();
        assert_eq!(plain, "io=s; Path=/; HttpOnly; SameSite=Lax");
        let tls = Cookie::default().header(&sid, true).unwrap();
        assert_eq!(tls, "io=s; Path=/; HttpOnly; Secure; SameSite=Lax");
    }
}
