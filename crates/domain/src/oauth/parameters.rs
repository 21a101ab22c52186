//! Parameters of a query string or of a form body.

use url::form_urlencoded;

/// A parameter stands there more than once: nobody knows which of its values counts (RFC 6749
/// section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeated;

/// Names and values, decoded, in the order in which they stood. Some are secret, so that they can't be
/// printed.
#[derive(Clone, Default)]
pub struct Parameters<'a>(Vec<Pair<'a>>);

#[derive(Clone)]
struct Pair<'a> {
    name: String,
    value: String,
    /// The value as it stood, still encoded.
    raw: &'a str,
}

impl<'a> Parameters<'a> {
    /// Reads `application/x-www-form-urlencoded` text. What is no UTF-8 becomes U+FFFD.
    pub fn parse(text: &'a str) -> Self {
        let parts = text.split('&').filter(|part| !part.is_empty());
        Self(parts.filter_map(Self::pair).collect())
    }

    fn pair(part: &'a str) -> Option<Pair<'a>> {
        let (name, value) = form_urlencoded::parse(part.as_bytes()).next()?;
        let raw = part.split_once('=').map_or("", |(_, raw)| raw);
        Some(Pair { name: name.into_owned(), value: value.into_owned(), raw })
    }

    /// These and others.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    fn pair_of(&self, name: &str) -> Result<Option<&Pair<'a>>, Repeated> {
        let mut found = self.0.iter().filter(|pair| pair.name == name);
        match (found.next(), found.next()) {
            (_, Some(_)) => Err(Repeated),
            // Without a value it counts as omitted (RFC 6749 section 3.1).
            (pair, None) => Ok(pair.filter(|pair| !pair.value.is_empty())),
        }
    }

    /// The value of a parameter; none if it is missing or empty.
    pub fn one(&self, name: &str) -> Result<Option<&str>, Repeated> {
        Ok(self.pair_of(name)?.map(|pair| pair.value.as_str()))
    }

    /// The same as it stood, still encoded.
    pub fn one_raw(&self, name: &str) -> Result<Option<&'a str>, Repeated> {
        Ok(self.pair_of(name)?.map(|pair| pair.raw))
    }

    /// Whether a parameter with one of these names is repeated.
    pub fn repeats(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.pair_of(name).is_err())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded_once_and_kept_as_they_stood() {
        let parameters = Parameters::parse("state=a%2Bb+%25%32%30&empty=&bare&&x=%FF");
        assert_eq!(parameters.one("state"), Ok(Some("a+b %20")));
        assert_eq!(parameters.one_raw("state"), Ok(Some("a%2Bb+%25%32%30")));
        assert_eq!(parameters.one("empty"), Ok(None));
        assert_eq!(parameters.one("bare"), Ok(None));
        assert_eq!(parameters.one("x"), Ok(Some("\u{fffd}")));
        assert_eq!(parameters.one("gone"), Ok(None));
    }

    #[test]
    fn what_stands_twice_has_no_value_also_if_one_of_them_is_empty_or_encoded() {
        for text in ["a=1&a=2", "a=1&a=1", "a=&a=2", "a=1&%61=2"] {
            assert_eq!(Parameters::parse(text).one("a"), Err(Repeated), "{text}");
        }
        let both = Parameters::parse("a=1").and(Parameters::parse("a=2"));
        assert!(both.repeats(&["b", "a"]) && !both.repeats(&["b"]));
    }
}
