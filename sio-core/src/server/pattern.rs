//! Names of dynamic namespaces: `/org/{org}`, a regular expression, or a function.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use regex::Regex;

use crate::handler::GuardResult;

use super::namespace::normalize;

/// Which namespaces a registration is for.
///
/// A plain name is one namespace. `/org/{org}` and `/room/{id:[0-9]+}` are as many as there are names
/// that fit, made when a client connects to one; so are [`Self::regex`], [`Self::matching`] and
/// [`Self::deciding`].
/// Namespaces with a name of their own come first, then patterns in the order of registration.
#[derive(Clone)]
pub struct Pattern(Kind);

#[derive(Clone)]
enum Kind {
    Name(String),
    Regex { source: String, regex: Result<Regex, String>, fields: bool },
    Function(Arc<dyn Fn(&str) -> bool + Send + Sync>),
    Deciding(Arc<dyn Decides>),
}

type Decision<'a> = Pin<Box<dyn Future<Output = bool> + 'a>>;

/// A function that sees the CONNECT payload and may wait.
trait Decides: Send + Sync {
    fn decide<'a>(&'a self, name: &'a str, auth: &'a serde_json::Value) -> Decision<'a>;
}

struct Deciding<F>(F);

impl<F, R> Decides for Deciding<F>
where
    F: AsyncFn(&str, &serde_json::Value) -> R + Send + Sync,
    R: GuardResult,
{
    fn decide<'a>(&'a self, name: &'a str, auth: &'a serde_json::Value) -> Decision<'a> {
        Box::pin(async move { (self.0)(name, auth).await.verdict().is_ok() })
    }
}

/// Parameters of a dynamic namespace's name.
pub(crate) type Params = Box<[(Box<str>, Box<str>)]>;

impl Pattern {
    /// Names that match a regular expression, anywhere unless it is anchored with `^` and `$`. Named
    /// groups are parameters by name, others by position.
    #[must_use]
    pub fn regex(source: &str) -> Self {
        let regex = Regex::new(source).map_err(|error| error.to_string());
        Self(Kind::Regex { source: source.to_owned(), regex, fields: false })
    }

    /// Names that a function accepts; it is called on carrier threads and must not wait.
    #[must_use]
    pub fn matching(accepts: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self(Kind::Function(Arc::new(accepts)))
    }

    /// Names that a function accepts that sees the CONNECT payload (`{}` if there is none) and may wait.
    ///
    /// It is asked about names that do not exist yet, and only if no pattern before it has accepted; `false`
    /// and an error are a refusal, and the next pattern has its turn. Who connects later to a namespace that
    /// was made is not asked about: what must hold for every client belongs into a connect guard.
    ///
    /// # Examples
    ///
    /// ```
    /// use sio_core::server::{Io, Pattern};
    ///
    /// let rooms = Pattern::deciding(async |name: &str, auth: &serde_json::Value| {
    ///     name.starts_with("/room-") && auth["may_open"] == true
    /// });
    /// let server = Io::builder().namespace(rooms, |ns| {
    ///     ns.on("say", |text: String| text);
    /// });
    /// # drop(server);
    /// ```
    #[must_use]
    pub fn deciding<F, R>(accepts: F) -> Self
    where
        F: AsyncFn(&str, &serde_json::Value) -> R + Send + Sync + 'static,
        R: GuardResult + 'static,
    {
        Self(Kind::Deciding(Arc::new(Deciding(accepts))))
    }

    /// Whether its answer may have to be waited for.
    pub(crate) const fn has_to_be_asked(&self) -> bool {
        matches!(self.0, Kind::Deciding(_))
    }

    /// As [`Self::params`], of a pattern that may have to be asked.
    pub(crate) async fn decide(&self, name: &str, auth: &serde_json::Value) -> Option<Params> {
        match &self.0 {
            Kind::Deciding(accepts) => accepts.decide(name, auth).await.then(Params::default),
            _ => self.params(name),
        }
    }

    /// The name, if this is one namespace.
    pub(crate) fn name(&self) -> Option<&str> {
        match &self.0 {
            Kind::Name(name) => Some(name),
            Kind::Regex { .. } | Kind::Function(_) | Kind::Deciding(_) => None,
        }
    }

    /// How it is told in messages, and whether two patterns are one.
    pub(crate) fn source(&self) -> &str {
        match &self.0 {
            Kind::Name(name) => name,
            Kind::Regex { source, .. } => source,
            Kind::Function(_) | Kind::Deciding(_) => "a function",
        }
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Kind::Function(a), Kind::Function(b)) => Arc::ptr_eq(a, b),
            (Kind::Deciding(a), Kind::Deciding(b)) => Arc::ptr_eq(a, b),
            (Kind::Regex { .. }, Kind::Regex { .. }) => self.source() == other.source(),
            _ => false,
        }
    }

    /// What is wrong with it.
    pub(crate) fn error(&self) -> Option<&str> {
        match &self.0 {
            Kind::Regex { regex: Err(message), .. } => Some(message),
            _ => None,
        }
    }

    /// Its names can have parameters.
    pub(crate) fn has_params(&self) -> bool {
        match &self.0 {
            Kind::Regex { regex: Ok(regex), .. } => regex.captures_len() > 1,
            _ => false,
        }
    }

    /// The parameters of a name that fits.
    pub(crate) fn params(&self, name: &str) -> Option<Params> {
        match &self.0 {
            Kind::Name(_) | Kind::Deciding(_) | Kind::Regex { regex: Err(_), .. } => None,
            Kind::Function(accepts) => accepts(name).then(Params::default),
            Kind::Regex { regex: Ok(regex), fields, .. } => {
                let captures = regex.captures(name)?;
                let names = regex.capture_names().enumerate().skip(1);
                let param = |(index, group): (usize, Option<&str>)| {
                    let value = captures.get(index)?.as_str();
                    let name = match (fields, group) {
                        (true, None) => return None,
                        (_, Some(group)) => group.to_owned(),
                        (false, None) => index.to_string(),
                    };
                    Some((name.into(), value.into()))
                };
                Some(names.filter_map(param).collect())
            }
        }
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pattern").field(&self.source()).finish()
    }
}

impl From<&str> for Pattern {
    fn from(path: &str) -> Self {
        let path = normalize(path);
        if !path.contains(['{', '}']) {
            return Self(Kind::Name(path.into_owned()));
        }
        let regex = translate(&path)
            .and_then(|source| Regex::new(&source).map_err(|error| error.to_string()));
        Self(Kind::Regex { source: path.into_owned(), regex, fields: true })
    }
}

impl From<&String> for Pattern {
    fn from(path: &String) -> Self {
        path.as_str().into()
    }
}

impl From<String> for Pattern {
    fn from(path: String) -> Self {
        path.as_str().into()
    }
}

/// `/org/{org}/{id:[0-9]+}` as an anchored regular expression.
fn translate(path: &str) -> Result<String, String> {
    let mut source = String::from("^");
    let mut rest = path;
    while let Some((before, behind)) = rest.split_once('{') {
        if before.contains('}') {
            return Err("`}` without `{`".to_owned());
        }
        source.push_str(&regex::escape(before));
        // An expression may hold braces of its own: `{id:[0-9]{3}}`.
        let mut depth = 1_u32;
        let end = behind.char_indices().find_map(|(at, c)| {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            (depth == 0).then_some(at)
        });
        let (param, after) = end
            .and_then(|end| Some((behind.get(..end)?, behind.get(end + 1..)?)))
            .ok_or("`{` without `}`")?;
        let (name, expression) = param.split_once(':').unwrap_or((param, "[^/]+"));
        let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if !starts_well || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(format!("`{{{name}}}` is no parameter name"));
        }
        source.push_str(&format!("(?P<{name}>{expression})"));
        rest = after;
    }
    if rest.contains('}') {
        return Err("`}` without `{`".to_owned());
    }
    source.push_str(&regex::escape(rest));
    source.push('$');
    Ok(source)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(pattern: &Pattern, name: &str) -> Option<Vec<(String, String)>> {
        let params = pattern.params(name)?;
        Some(params.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect())
    }

    #[test]
    fn a_plain_name_is_no_pattern() {
        assert_eq!(Pattern::from("chat").name(), Some("/chat"));
        assert_eq!(Pattern::from("/a.b+").name(), Some("/a.b+"));
    }

    #[test]
    fn parameters_take_one_segment_unless_they_say_more() {
        let pattern = Pattern::from("/org/{org}/room-{id:[0-9]{1,3}}");
        assert_eq!(
            params(&pattern, "/org/acme/room-17"),
            Some(vec![("org".to_owned(), "acme".to_owned()), ("id".to_owned(), "17".to_owned())])
        );
        for other in ["/org/acme/room-1234", "/org/a/b/room-1", "/org//room-1", "x/org/a/room-1"] {
            assert_eq!(params(&pattern, other), None, "{other}");
        }
        assert_eq!(params(&Pattern::from("/f/{path:.*}"), "/f/a/b").unwrap()[0].1, "a/b");
        assert_eq!(params(&Pattern::from("/a.b/{x}"), "/aXb/1"), None);
    }

    #[test]
    fn regular_expressions_and_functions_are_patterns() {
        let regex = Pattern::regex(r"^/team-(\d+)(?:-(?P<kind>\w+))?$");
        assert_eq!(params(&regex, "/team-7"), Some(vec![("1".to_owned(), "7".to_owned())]));
        assert_eq!(params(&regex, "/team-7-a").unwrap()[1], ("kind".to_owned(), "a".to_owned()));
        assert_eq!(params(&regex, "/team-x"), None);
        let even = Pattern::matching(|name| name.len() % 2 == 0);
        assert_eq!(params(&even, "/abc"), Some(Vec::new()));
        assert_eq!(params(&even, "/ab"), None);
    }

    #[test]
    fn mistakes_are_told() {
        for (pattern, message) in [
            ("/a/{b", "`{` without `}`"),
            ("/a/b}", "`}` without `{`"),
            ("/a}/{b}", "`}` without `{`"),
            ("/{}", "no parameter name"),
            ("/{a-b}", "no parameter name"),
            ("/{a:(}", "regex parse error"),
            ("/{a}/{a}", "duplicate capture group name"),
        ] {
            let pattern = Pattern::from(pattern);
            let error = pattern.error().unwrap();
            assert!(error.contains(message), "{pattern:?}: {error}");
        }
        assert!(Pattern::regex("(").error().is_some());
    }
}
