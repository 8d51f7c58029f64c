//! Which content coding a client wants (RFC 9110 section 12.5.3).

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderValue};

/// A way to compress a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Brotli,
    Gzip,
    Deflate,
}

impl Coding {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
        }
    }

    pub(crate) const fn header(self) -> (header::HeaderName, HeaderValue) {
        (header::CONTENT_ENCODING, HeaderValue::from_static(self.as_str()))
    }
}

/// Who decides between codings of equal weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ties {
    /// The order of the offer.
    Offer,
    /// The order of the client's header, then that of the offer.
    Client,
}

/// The coding to use for a request; `None` is the plain body.
pub(crate) fn preferred(request: &HttpRequest, offer: &[Coding], ties: Ties) -> Option<Coding> {
    let headers = request.headers().get_all(header::ACCEPT_ENCODING);
    let accepted = headers.filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(','));
    choose(accepted, offer, ties)
}

/// Weight in thousandths and place in the header.
type Rank = (u16, usize);

fn choose<'a>(
    accepted: impl Iterator<Item = &'a str>,
    offer: &[Coding],
    ties: Ties,
) -> Option<Coding> {
    let mut named: [Option<Rank>; 3] = [None; 3];
    let (mut others, mut identity) = (None, 0);
    for (place, part) in accepted.enumerate() {
        let mut parameters = part.split(';').map(str::trim);
        let name = parameters.next().unwrap_or_default();
        let weight = parameters.find_map(|p| p.strip_prefix("q=").or_else(|| p.strip_prefix("Q=")));
        let weight = weight.map_or(1_000, weight_of);
        if name == "*" {
            others = Some((weight, place));
        } else if name.eq_ignore_ascii_case("identity") {
            identity = weight;
        } else if let Some((rank, _)) = named
            .iter_mut()
            .zip(offer)
            .find(|(_, coding)| name.eq_ignore_ascii_case(coding.as_str()))
        {
            *rank = Some((weight, place));
        }
    }
    let ranked = named.into_iter().zip(offer).enumerate();
    let wanted = ranked
        .filter_map(|(index, (rank, coding))| Some((rank.or(others)?, index, *coding)))
        .filter(|((weight, _), ..)| *weight > 0 && *weight >= identity);
    let best = wanted.min_by_key(|((weight, place), index, _)| {
        let place = if ties == Ties::Client { *place } else { 0 };
        (u16::MAX - weight, place, *index)
    });
    best.map(|(.., coding)| coding)
}

/// A weight in thousandths; what is no weight counts as none, so that nothing is forced on anybody.
fn weight_of(text: &str) -> u16 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = fraction.bytes().chain(std::iter::repeat(b'0')).take(3);
    let sound = fraction.len() <= 3 && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let thousandths = digits.fold(0, |sum, digit| sum * 10 + u16::from(digit.wrapping_sub(b'0')));
    match whole {
        "0" if sound => thousandths,
        "1" if sound && thousandths == 0 => 1_000,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: &[Coding] = &[Coding::Brotli, Coding::Gzip, Coding::Deflate];
    const ZLIB: &[Coding] = &[Coding::Gzip, Coding::Deflate];

    fn client(header: &str) -> Option<&'static str> {
        choose(header.split(','), ALL, Ties::Client).map(Coding::as_str)
    }

    fn offer(header: &str) -> Option<&'static str> {
        choose(header.split(','), ZLIB, Ties::Offer).map(Coding::as_str)
    }

    #[test]
    fn refused_and_unknown_codings_are_not_used() {
        for header in ["", "identity", "zstd", "gzip;q=0", "*;q=0", "gzip;q=x", "gzip;q=2", "gzipp"]
        {
            assert_eq!(client(header), None, "{header}");
        }
        assert_eq!(offer("br"), None);
        assert_eq!(client("*;q=1, br;q=0, gzip;q=0"), Some("deflate"));
        assert_eq!(client("identity, gzip;q=0.5"), None);
    }

    #[test]
    fn the_clients_order_decides_between_equals() {
        assert_eq!(client("gzip, deflate, br"), Some("gzip"));
        assert_eq!(client("deflate, br"), Some("deflate"));
        assert_eq!(client("br,gzip"), Some("br"));
        assert_eq!(client("*"), Some("br"));
        assert_eq!(client("GZIP"), Some("gzip"));
    }

    #[test]
    fn weights_come_first() {
        assert_eq!(client("gzip;q=0.8, br;q=0.9 , deflate;q=0.899"), Some("br"));
        assert_eq!(client("gzip;q=0.5, *;q=0.1"), Some("gzip"));
        assert_eq!(offer("deflate, gzip;q=0.9"), Some("deflate"));
    }

    #[test]
    fn the_offers_order_decides_where_asked() {
        assert_eq!(offer("deflate, gzip"), Some("gzip"));
        assert_eq!(offer("deflate"), Some("deflate"));
        assert_eq!(offer("*"), Some("gzip"));
    }
}
