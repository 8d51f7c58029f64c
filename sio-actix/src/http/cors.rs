//! Cross-origin requests: which pages of other origins may read answers (Fetch standard, "CORS protocol").
//!
//! Off unless configured. The headers go on every answer below the path, errors and client files
//! included, and a preflight is answered before anything else looks at the request.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse};
use regex::Regex;

use crate::config::InvalidOption;

use super::headers::vary;

const METHODS: &str = "GET,HEAD,PUT,PATCH,POST,DELETE";
const VARY_ORIGIN: HeaderValue = HeaderValue::from_static("Origin");
const VARY_REQUESTED: HeaderValue = HeaderValue::from_static("Access-Control-Request-Headers");

/// Whether an origin is allowed.
type Predicate = dyn Fn(&str) -> bool + Send + Sync;

#[derive(Clone)]
enum Rule {
    Exact(String),
    Pattern(String),
    Predicate(Arc<Predicate>),
}

#[derive(Clone)]
enum Origin {
    Any,
    Mirror,
    Fixed(String),
    Listed(Vec<Rule>),
}

/// Which origins may read the server's answers, and with what; for [`IoBuilder::cors`](crate::IoBuilder::cors).
///
/// Without it, pages of other origins cannot use polling. WebSockets are not subject to CORS: a page may open
/// one unless [`OriginPolicy`](crate::OriginPolicy) or [`IoBuilder::allow_request`](crate::IoBuilder::allow_request)
/// is against it. The former lets the origins in that are allowed here.
///
/// ```
/// use std::time::Duration;
/// use sio_actix::{Cors, Io};
///
/// let cors = Cors::list(["https://app.example"])
///     .origin_pattern(r"https://[a-z0-9-]+\.preview\.example")
///     .credentials(true)
///     .max_age(Duration::from_secs(600));
/// let io = Io::builder().cors(cors).build();
/// # drop(io);
/// ```
#[derive(Clone)]
pub struct Cors {
    origin: Origin,
    methods: Option<Vec<String>>,
    allowed_headers: Option<Vec<String>>,
    exposed_headers: Vec<String>,
    credentials: bool,
    max_age: Option<Duration>,
    options_success_status: u16,
}

impl std::fmt::Debug for Cors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cors").field("credentials", &self.credentials).finish_non_exhaustive()
    }
}

impl Cors {
    const fn with(origin: Origin) -> Self {
        Self {
            origin,
            methods: None,
            allowed_headers: None,
            exposed_headers: Vec::new(),
            credentials: false,
            max_age: None,
            options_success_status: 204,
        }
    }

    /// All origins, without credentials: `Access-Control-Allow-Origin: *`.
    ///
    /// That is for answers: a WebSocket carries cookies wherever its page is from, and none of them is foreign
    /// then. Where cookies say who somebody is, list the origins.
    #[must_use]
    pub const fn any() -> Self {
        Self::with(Origin::Any)
    }

    /// Whatever origin asks is told that it may (the reference's `origin: true`).
    ///
    /// Together with [`Self::credentials`], every page on the web can speak for users that have a cookie.
    #[must_use]
    pub const fn mirror() -> Self {
        Self::with(Origin::Mirror)
    }

    /// One origin, named in every answer, whoever asks.
    #[must_use]
    pub fn fixed(origin: impl Into<String>) -> Self {
        Self::with(Origin::Fixed(origin.into()))
    }

    /// Origins that are compared as a whole, scheme, host and port, without a slash at the end; an origin that is not listed gets no
    /// `Access-Control-Allow-Origin`, and its browser keeps the answer from the page. `null` is allowed
    /// only if listed.
    #[must_use]
    pub fn list<T: Into<String>>(origins: impl IntoIterator<Item = T>) -> Self {
        let rules = origins.into_iter().map(|origin| Rule::Exact(origin.into())).collect();
        Self::with(Origin::Listed(rules))
    }

    fn rule(mut self, rule: Rule) -> Self {
        match &mut self.origin {
            Origin::Listed(rules) => rules.push(rule),
            Origin::Any | Origin::Mirror | Origin::Fixed(_) => {
                self.origin = Origin::Listed(vec![rule]);
            }
        }
        self
    }

    /// One more listed origin; what was not a list becomes one.
    #[must_use]
    pub fn origin(self, origin: impl Into<String>) -> Self {
        self.rule(Rule::Exact(origin.into()))
    }

    /// Origins that match a regular expression as a whole.
    ///
    /// Differs from the reference: the expression is anchored at both ends, because one that is not also
    /// lets `https://good.example.evil.example` in. Dots in host names need a backslash.
    #[must_use]
    pub fn origin_pattern(self, pattern: impl Into<String>) -> Self {
        self.rule(Rule::Pattern(pattern.into()))
    }

    /// Origins that a function accepts. Compare the whole text: hosts that merely end or begin alike are
    /// other people's. A panic refuses.
    #[must_use]
    pub fn origin_if(self, allows: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        self.rule(Rule::Predicate(Arc::new(allows)))
    }

    /// Methods that a preflight allows; `GET,HEAD,PUT,PATCH,POST,DELETE` by default.
    #[must_use]
    pub fn methods<T: Into<String>>(mut self, methods: impl IntoIterator<Item = T>) -> Self {
        self.methods = Some(methods.into_iter().map(Into::into).collect());
        self
    }

    /// Request headers that a preflight allows; by default those that it asks for.
    #[must_use]
    pub fn allowed_headers<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.allowed_headers = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Response headers that pages may read.
    #[must_use]
    pub fn exposed_headers<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.exposed_headers = names.into_iter().map(Into::into).collect();
        self
    }

    /// Whether requests may carry cookies; not together with [`Self::any`].
    #[must_use]
    pub const fn credentials(mut self, allow: bool) -> Self {
        self.credentials = allow;
        self
    }

    /// How long browsers may remember a preflight, in whole seconds.
    #[must_use]
    pub const fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    /// Status of the answer to a preflight; 204 by default, and some old browsers want 200.
    #[must_use]
    pub const fn options_success_status(mut self, status: u16) -> Self {
        self.options_success_status = status;
        self
    }

    /// Checks everything and prepares the headers.
    pub(crate) fn compile(self, faults: &mut Vec<InvalidOption>) -> Option<Policy> {
        let known = faults.len();
        if self.credentials && matches!(self.origin, Origin::Any) {
            faults.push(InvalidOption::new(
                "cors.credentials",
                "cannot be on for origin `*`: name the origins that may send cookies",
            ));
        }
        let status =
            StatusCode::from_u16(self.options_success_status).ok().filter(StatusCode::is_success);
        if status.is_none() {
            faults.push(InvalidOption::new("cors.optionsSuccessStatus", "must be 200 to 299"));
        }
        let origin = match self.origin {
            Origin::Any => Decision::Any,
            Origin::Mirror => Decision::Mirror,
            Origin::Fixed(origin) if has_path(&origin) => {
                faults.push(InvalidOption::new("cors.origin", told_path(&origin)));
                Decision::Listed(Vec::new())
            }
            Origin::Fixed(origin) => match HeaderValue::from_str(&origin) {
                Ok(value) if !origin.is_empty() => Decision::Fixed(value),
                _ => {
                    faults.push(InvalidOption::new("cors.origin", "is no header value"));
                    Decision::Listed(Vec::new())
                }
            },
            Origin::Listed(rules) => Decision::Listed(
                rules.into_iter().filter_map(|rule| rule.compile(faults)).collect(),
            ),
        };
        let mut list = |name: &str, values: Vec<String>| {
            let is_token = |value: &String| !value.is_empty() && value.bytes().all(is_token_byte);
            if !values.iter().all(is_token) {
                faults.push(InvalidOption::new(name, "has an entry that is no HTTP token"));
            }
            HeaderValue::from_str(&values.join(",")).ok()
        };
        let methods = self.methods.and_then(|methods| list("cors.methods", methods));
        let allowed = self.allowed_headers.and_then(|names| list("cors.allowedHeaders", names));
        let exposed = list("cors.exposedHeaders", self.exposed_headers);
        let status = status.filter(|_| faults.len() == known)?;
        Some(Policy {
            origin,
            methods: methods.unwrap_or(HeaderValue::from_static(METHODS)),
            allowed_headers: allowed,
            exposed_headers: exposed.filter(|names| !names.is_empty()),
            credentials: self.credentials,
            max_age: self.max_age.map(|age| HeaderValue::from(age.as_secs())),
            status,
        })
    }
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Something follows the host: browsers send no such origin, so it would match nothing.
fn has_path(origin: &str) -> bool {
    origin.split_once("://").is_some_and(|(_, host)| host.contains('/'))
}

fn told_path(origin: &str) -> String {
    format!("has `{origin}`, which matches nothing: an origin ends with its host or port")
}

impl Rule {
    fn compile(self, faults: &mut Vec<InvalidOption>) -> Option<Test> {
        match self {
            Self::Exact(origin) if origin == "*" => {
                let problem = "has `*` in a list, where it matches nothing: use `*` alone";
                faults.push(InvalidOption::new("cors.origin", problem));
                None
            }
            Self::Exact(origin) if has_path(&origin) => {
                faults.push(InvalidOption::new("cors.origin", told_path(&origin)));
                None
            }
            Self::Exact(origin) => Some(Test::Exact(origin)),
            // By itself first: one that closes a group it did not open would get around the anchors.
            Self::Pattern(pattern) => match Regex::new(&pattern)
                .and_then(|_sound| Regex::new(&format!("^(?:{pattern})$")))
            {
                Ok(pattern) => Some(Test::Pattern(pattern)),
                Err(error) => {
                    faults.push(InvalidOption::new("cors.origin", error.to_string()));
                    None
                }
            },
            Self::Predicate(allows) => Some(Test::Predicate(allows)),
        }
    }
}

enum Test {
    Exact(String),
    Pattern(Regex),
    Predicate(Arc<Predicate>),
}

impl Test {
    fn allows(&self, origin: &str) -> bool {
        match self {
            Self::Exact(known) => known == origin,
            Self::Pattern(pattern) => pattern.is_match(origin),
            Self::Predicate(allows) => catch_unwind(AssertUnwindSafe(|| allows(origin)))
                .unwrap_or_else(|_| {
                    tracing::error!("the function that decides about origins panicked");
                    false
                }),
        }
    }
}

enum Decision {
    Any,
    Mirror,
    Fixed(HeaderValue),
    Listed(Vec<Test>),
}

/// [`Cors`], checked, with its headers ready.
pub(crate) struct Policy {
    origin: Decision,
    methods: HeaderValue,
    allowed_headers: Option<HeaderValue>,
    exposed_headers: Option<HeaderValue>,
    credentials: bool,
    max_age: Option<HeaderValue>,
    status: StatusCode,
}

impl Policy {
    /// Adds the headers for a request; a preflight gets its answer.
    pub(crate) fn apply(
        &self,
        request: &HttpRequest,
        headers: &mut HeaderMap,
    ) -> Option<HttpResponse> {
        if let Some(origin) = self.allowed_origin(request.headers().get(header::ORIGIN)) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        }
        if !matches!(self.origin, Decision::Any) {
            vary(headers, &VARY_ORIGIN);
        }
        if self.credentials {
            let allowed = HeaderValue::from_static("true");
            headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, allowed);
        }
        if let Some(exposed) = &self.exposed_headers {
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed.clone());
        }
        (request.method() == Method::OPTIONS).then(|| self.preflight(request, headers))
    }

    /// Differs from the reference: a 204 has no `Content-Length`, which RFC 9110 section 8.6 forbids there
    /// and the HTTP layer leaves out.
    fn preflight(&self, request: &HttpRequest, headers: &mut HeaderMap) -> HttpResponse {
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, self.methods.clone());
        let requested = request.headers().get(header::ACCESS_CONTROL_REQUEST_HEADERS);
        if self.allowed_headers.is_none() {
            vary(headers, &VARY_REQUESTED);
        }
        if let Some(allowed) =
            self.allowed_headers.as_ref().or(requested).filter(|names| !names.is_empty())
        {
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed.clone());
        }
        if let Some(age) = &self.max_age {
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, age.clone());
        }
        HttpResponse::build(self.status).finish()
    }

    /// The origin may send cookies or open a WebSocket, whatever it may read.
    pub(crate) fn allows(&self, origin: &str) -> bool {
        match &self.origin {
            Decision::Any | Decision::Mirror => true,
            Decision::Fixed(fixed) => fixed == origin,
            Decision::Listed(tests) => tests.iter().any(|test| test.allows(origin)),
        }
    }

    fn allowed_origin(&self, origin: Option<&HeaderValue>) -> Option<HeaderValue> {
        match &self.origin {
            Decision::Any => Some(HeaderValue::from_static("*")),
            Decision::Fixed(fixed) => Some(fixed.clone()),
            Decision::Mirror => origin.cloned(),
            Decision::Listed(tests) => {
                let text = origin?.to_str().ok()?;
                tests.iter().any(|test| test.allows(text)).then(|| origin.cloned()).flatten()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(cors: Cors) -> Vec<String> {
        let mut faults = Vec::new();
        let policy = cors.compile(&mut faults);
        assert_eq!(policy.is_none(), !faults.is_empty());
        faults.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_origin_with_credentials_is_refused() {
        let faults = faults(Cors::any().credentials(true).options_success_status(404));
        assert_eq!(faults.len(), 2, "{faults:?}");
        assert!(faults[0].contains("cors.credentials"), "{faults:?}");
        assert!(faults[1].contains("cors.optionsSuccessStatus"), "{faults:?}");
    }

    #[test]
    fn unusable_lists_are_refused() {
        assert!(faults(Cors::list(["*"]))[0].contains("cors.origin"));
        assert!(faults(Cors::any().origin_pattern("("))[0].contains("cors.origin"));
        assert!(faults(Cors::any().origin_pattern("a)|(?:b"))[0].contains("cors.origin"));
        assert!(faults(Cors::fixed("a\nb"))[0].contains("cors.origin"));
        for origin in ["https://a.example/", "http://a.example:80/page"] {
            assert!(faults(Cors::fixed(origin))[0].contains(origin));
            assert!(faults(Cors::list([origin]))[0].contains(origin));
        }
        assert!(faults(Cors::list(["file://", "null", "capacitor://localhost"])).is_empty());
        assert!(faults(Cors::any().methods(["G ET"]))[0].contains("cors.methods"));
        assert!(faults(Cors::any().allowed_headers([""]))[0].contains("cors.allowedHeaders"));
    }

    #[test]
    fn patterns_match_the_whole_origin_only() {
        let cors = Cors::list(["null"]).origin_pattern(r"https://(a|b)\.example");
        let policy = cors.compile(&mut Vec::new()).unwrap();
        let allows =
            |origin| policy.allowed_origin(Some(&HeaderValue::from_static(origin))).is_some();
        assert!(allows("https://a.example") && allows("null"));
        for origin in [
            "https://a.example.evil.example",
            "xhttps://a.example",
            "https://a.example:8443",
            "HTTPS://a.example",
            "http://a.example",
            "https://axexample",
        ] {
            assert!(!allows(origin), "{origin}");
        }
    }

    #[test]
    fn a_panic_of_the_predicate_refuses() {
        let cors = Cors::any().origin_if(|_| panic!("on purpose"));
        let policy = cors.compile(&mut Vec::new()).unwrap();
        assert_eq!(policy.allowed_origin(Some(&HeaderValue::from_static("http://a"))), None);
    }
}
