//! Which server is asked for an ARN.

use std::sync::Arc;

use super::{lambda::name_in, target::Target};

/// Which functions a rule is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// The one with this ARN.
    Arn(String),
    /// All whose ARN begins so.
    Prefix(String),
    /// All with this name, in whatever account and region, with or without version or alias.
    Name(String),
}

impl Pattern {
    /// Reads an ARN, one with a star at its end, or the name of a function.
    ///
    /// # Errors
    /// What is wrong.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let (start, has_star) = text.strip_suffix('*').map_or((text, false), |start| (start, true));
        if text.is_empty() || start.contains(['*', ' ']) {
            return Err("must be an ARN, perhaps with a star at its end");
        }
        match (has_star, start.starts_with("arn:")) {
            (true, _) if start.is_empty() || start.starts_with("arn:") => {
                Ok(Self::Prefix(start.to_owned()))
            }
            (false, true) => Ok(Self::Arn(start.to_owned())),
            (false, false) if !start.contains(':') => Ok(Self::Name(start.to_owned())),
            _ => Err("must be an ARN, perhaps with a star at its end"),
        }
    }

    /// How well it fits: the best fit counts. None if it does not fit.
    fn fit(&self, arn: &str) -> Option<(u8, usize)> {
        match self {
            Self::Arn(whole) => (whole == arn).then_some((2, 0)),
            Self::Name(name) => (name_in(arn) == Some(name)).then_some((1, 0)),
            Self::Prefix(start) => arn.starts_with(start).then_some((0, start.len())),
        }
    }
}

/// All rules.
#[derive(Clone, Default)]
pub struct Routes {
    rules: Vec<(Pattern, Arc<Target>)>,
    /// For functions that no rule fits.
    rest: Option<Arc<Target>>,
}

impl Routes {
    /// No rules yet; `rest` is asked for everything that none fits.
    pub fn new(rest: Option<Target>) -> Self {
        Self { rules: Vec::new(), rest: rest.map(Arc::new) }
    }

    /// Adds a rule, or replaces the one for the same functions.
    pub fn put(&mut self, pattern: Pattern, target: Target) {
        let target = Arc::new(target);
        match self.rules.iter_mut().find(|(known, _)| *known == pattern) {
            Some((_, old)) => *old = target,
            None => self.rules.push((pattern, target)),
        }
    }

    /// Whether there is a rule for exactly these functions.
    pub fn has(&self, pattern: &Pattern) -> bool {
        self.rules.iter().any(|(known, _)| known == pattern)
    }

    /// How many rules there are.
    pub fn count(&self) -> usize {
        self.rules.len()
    }

    /// Who is asked for a function: an ARN goes before a name, a name before a prefix, a long prefix
    /// before a short one.
    pub(super) fn target(&self, arn: &str) -> Option<Arc<Target>> {
        let fits = self.rules.iter().filter_map(|(pattern, target)| {
            let fit = pattern.fit(arn)?;
            Some((fit, target))
        });
        let best = fits.max_by_key(|(fit, _)| *fit).map(|(_, target)| target);
        best.or(self.rest.as_ref()).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions::target::Limits;

    const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:check";

    fn routes(patterns: &[&str]) -> Routes {
        let mut routes = Routes::default();
        for (port, pattern) in (1..).zip(patterns) {
            let url = format!("http://127.0.0.1:{port}");
            let target = Target::emulator(&url, Limits::default()).unwrap();
            routes.put(Pattern::parse(pattern).unwrap(), target);
        }
        routes
    }

    fn chosen(routes: &Routes, arn: &str) -> Option<String> {
        routes.target(arn).map(|target| target.to_string())
    }

    #[test]
    fn the_rule_that_fits_best_counts() {
        let live = format!("{FUNCTION}:live");
        let all = routes(&["*", "arn:aws:lambda:*", "check", &live, FUNCTION]);
        let port = |arn: &str| chosen(&all, arn).unwrap().pop().unwrap();
        assert_eq!(port(FUNCTION), '5');
        assert_eq!(port(&live), '4');
        assert_eq!(port(&format!("{FUNCTION}:2")), '3');
        assert_eq!(port(&format!("{FUNCTION}-more")), '2');
        assert_eq!(port("arn:aws-cn:lambda:cn-north-1:1:function:other"), '1');
        assert_eq!(chosen(&routes(&[FUNCTION]), &live), None);
    }

    #[test]
    fn a_rule_for_the_same_functions_replaces_the_former() {
        let mut all = routes(&["check"]);
        let target = Target::emulator("http://127.0.0.1:9", Limits::default()).unwrap();
        assert!(all.has(&Pattern::Name("check".to_owned())));
        all.put(Pattern::Name("check".to_owned()), target);
        assert_eq!(all.count(), 1);
        assert_eq!(chosen(&all, FUNCTION).unwrap(), "emulator http://127.0.0.1:9");
    }

    #[test]
    fn what_is_no_arn_and_no_name_is_refused() {
        for text in ["", "arn:*:x", "check*", "a b", "lambda:check"] {
            assert!(Pattern::parse(text).is_err(), "{text}");
        }
    }
}
