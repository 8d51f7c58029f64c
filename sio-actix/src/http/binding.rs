//! Sessions whose requests have to come from where their first one came.

use std::net::{IpAddr, SocketAddr};

use actix_web::HttpRequest;
use actix_web::http::header;
use sio_core::server::{self, Handshake};

use super::head;

/// What a session's later requests have to have in common with the first; for
/// [`IoBuilder::bind_session`](crate::IoBuilder::bind_session).
///
/// Whoever knows a session id speaks for the session. This helps where ids leak, through the logs of a proxy for
/// instance; it is no proof of identity. A WebSocket that has its session needs no further request and is not
/// touched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionBinding {
    /// Nothing: a phone that changes its network goes on.
    #[default]
    None,
    /// The address of the peer, of IPv6 its /64 network. Behind a proxy all peers have the proxy's address.
    Ip,
    /// The value of the cookie with this name, or that there is none: a login cookie, for example. All pages
    /// of a browser share it, and who has logged in or out needs a new session.
    Cookie(String),
}

impl SessionBinding {
    /// The request may speak for a session that was opened by `handshake`.
    pub(crate) fn admits(&self, request: &HttpRequest, handshake: &Handshake) -> bool {
        match self {
            Self::None => true,
            Self::Ip => network(request.peer_addr()) == network(handshake.address()),
            Self::Cookie(name) => {
                // As the handshake has them.
                let sent: Vec<_> =
                    request.headers().get_all(header::COOKIE).map(head::text).collect();
                let headers = handshake.headers().filter(|(known, _)| *known == "cookie");
                cookie(sent.iter().map(|value| &**value), name)
                    == cookie(headers.map(|(_, value)| value), name)
            }
        }
    }
}

/// The value of a cookie.
fn cookie<'a>(headers: impl Iterator<Item = &'a str>, name: &str) -> Option<&'a str> {
    let mut pairs = headers.flat_map(|header| header.split(';'));
    pairs
        .find_map(|pair| pair.trim().split_once('=').filter(|(known, _)| *known == name))
        .map(|(_, value)| value)
}

/// What stays the same of a peer's address.
fn network(address: Option<SocketAddr>) -> Option<IpAddr> {
    address.map(|address| server::network(address.ip()))
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use actix_web::test::TestRequest;
    use sio_core::server::HandshakeParts;

    use super::*;

    fn address(text: &str) -> SocketAddr {
        SocketAddr::new(text.parse().unwrap(), 1)
    }

    fn opened(from: &str, headers: &[(&str, &str)]) -> Handshake {
        Handshake::new(&HandshakeParts {
            headers,
            url: "/socket.io/",
            address: Some(address(from)),
            secure: false,
            time: UNIX_EPOCH,
        })
    }

    #[test]
    fn another_address_is_another_peer() {
        for (first, later, same) in [
            ("10.0.0.1", "10.0.0.2", false),
            ("10.0.0.1", "::1", false),
            ("2001:db8::1", "2001:db8:0:1::1", false),
            ("10.0.0.1", "10.0.0.1", true),
            ("10.0.0.1", "::ffff:10.0.0.1", true),
            ("2001:db8::1", "2001:db8::2", true),
        ] {
            let request = TestRequest::default().peer_addr(address(later)).to_http_request();
            let handshake = opened(first, &[]);
            assert_eq!(SessionBinding::Ip.admits(&request, &handshake), same, "{first} {later}");
            assert!(SessionBinding::None.admits(&request, &handshake));
        }
    }

    #[test]
    fn another_value_of_the_cookie_is_another_peer() {
        let binding = SessionBinding::Cookie("login".to_owned());
        for (first, later, same) in [
            ("login=a", "login=b", false),
            ("login=a", "x=1", false),
            ("login=a", "xlogin=a", false),
            ("x=1", "login=a", false),
            ("login=a", "login=", false),
            ("login=a", "login=a", true),
            ("login=a", "x=1; login=a;y=2", true),
            ("x=1", "x=2", true),
        ] {
            let request = TestRequest::default()
                .peer_addr(address("10.0.0.9"))
                .append_header((header::COOKIE, later))
                .to_http_request();
            let handshake = opened("10.0.0.1", &[("cookie", first)]);
            assert_eq!(binding.admits(&request, &handshake), same, "{first} {later}");
        }
    }
}
