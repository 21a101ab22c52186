//! Policies: documents in IAM's language that say what a key may do.
//!
//! The language is described at
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html>. A document
//! with anything that is not understood is refused as a whole, and told where: half a policy would
//! allow what its author meant to forbid.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    condition::{Condition, Operator, arn_matches},
    json::Json,
    pattern::{Pattern, Syntax},
    request::AccessRequest,
};

/// The largest document in bytes. IAM's own limit for one is 6,144 characters without spaces.
pub const LONGEST_DOCUMENT: usize = 16 * 1024;

/// What is wrong with a document, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct PolicyProblem {
    /// Such as `Statement[1].Effect`.
    pub place: String,
    /// What is wrong there.
    pub problem: String,
}

/// What policies say to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// One allows it and none denies it.
    Allowed,
    /// One denies it.
    Denied,
    /// None says anything of it, which is a no too.
    NotAllowed,
}

/// All policies of a key.
#[derive(Clone, Debug, Default)]
pub struct Policies(Vec<Statement>);

#[derive(Clone, Debug)]
struct Statement {
    is_deny: bool,
    actions: OneOf<Pattern>,
    resources: OneOf<Resource>,
    conditions: Vec<Condition>,
}

/// Patterns of which one must match, or with `Not…` none.
#[derive(Clone, Debug)]
struct OneOf<P> {
    patterns: Vec<P>,
    is_negated: bool,
}

impl<P> OneOf<P> {
    fn includes(&self, matches: impl Fn(&P) -> bool) -> bool {
        self.patterns.iter().any(matches) != self.is_negated
    }
}

#[derive(Clone, Debug)]
enum Resource {
    Everything,
    Arn(Vec<Pattern>),
}

impl Policies {
    /// Reads the documents of a key, by name.
    pub fn read(documents: &BTreeMap<String, String>) -> Result<Self, PolicyProblem> {
        let mut statements = Vec::new();
        for document in documents.values() {
            statements.extend(read(document)?);
        }
        Ok(Self(statements))
    }

    /// What they say to a request: a denial outweighs every permission.
    pub fn decide(&self, request: &AccessRequest<'_>) -> Decision {
        let mut decision = Decision::NotAllowed;
        for statement in self.0.iter().filter(|statement| statement.applies(request)) {
            if statement.is_deny {
                return Decision::Denied;
            }
            decision = Decision::Allowed;
        }
        decision
    }

    /// Whether the tags of the resource can make a difference.
    pub fn look_at_resource_tags(&self) -> bool {
        let mut conditions = self.0.iter().flat_map(|statement| &statement.conditions);
        conditions.any(Condition::is_about_resource_tags)
    }
}

/// Checks a document.
pub fn check(document: &str) -> Result<(), PolicyProblem> {
    read(document).map(drop)
}

impl Statement {
    fn applies(&self, request: &AccessRequest<'_>) -> bool {
        self.actions.includes(|pattern| pattern.matches_any_case(request.action, request))
            && self.resources.includes(|resource| match resource {
                Resource::Everything => true,
                Resource::Arn(parts) => arn_matches(parts, request.resource, request),
            })
            && self.conditions.iter().all(|condition| condition.holds(request))
    }
}

fn problem(place: impl Into<String>, problem: impl Into<String>) -> PolicyProblem {
    PolicyProblem { place: place.into(), problem: problem.into() }
}

/// Reads a document.
fn read(document: &str) -> Result<Vec<Statement>, PolicyProblem> {
    if document.len() > LONGEST_DOCUMENT {
        let text = format!("is longer than {LONGEST_DOCUMENT} bytes");
        return Err(problem("document", text));
    }
    let json: Json = serde_json::from_str(document)
        .map_err(|error| problem("document", format!("is not JSON: {error}")))?;
    let Json::Object(members) = json else {
        return Err(problem("document", "must be a JSON object"));
    };
    let mut elements = Elements { place: String::new(), members };
    let has_variables = match elements.take("Version") {
        None => false,
        Some(Json::Text(version)) if version == "2012-10-17" => true,
        Some(Json::Text(version)) if version == "2008-10-17" => false,
        Some(_) => return Err(problem("Version", "must be \"2012-10-17\" or \"2008-10-17\"")),
    };
    if !matches!(elements.take("Id"), None | Some(Json::Text(_))) {
        return Err(problem("Id", "must be a text"));
    }
    let written = match elements.take("Statement") {
        None => return Err(problem("Statement", "is missing")),
        Some(Json::List(statements)) => statements,
        Some(statement) => vec![statement],
    };
    elements.finish()?;
    if written.is_empty() {
        return Err(problem("Statement", "must hold at least one statement"));
    }
    let (mut statements, mut ids) = (Vec::new(), BTreeSet::new());
    for (number, statement) in written.into_iter().enumerate() {
        let place = format!("Statement[{number}]");
        let Json::Object(members) = statement else {
            return Err(problem(place, "must be a JSON object"));
        };
        let elements = Elements { place, members };
        statements.push(read_statement(elements, has_variables, &mut ids)?);
    }
    Ok(statements)
}

/// The members of an object that have not been read yet.
struct Elements {
    place: String,
    members: Vec<(String, Json)>,
}

impl Elements {
    fn take(&mut self, name: &str) -> Option<Json> {
        let index = self.members.iter().position(|(other, _)| other == name)?;
        Some(self.members.swap_remove(index).1)
    }

    /// The place of a member.
    fn at(&self, name: &str) -> String {
        if self.place.is_empty() { name.to_owned() } else { format!("{}.{name}", self.place) }
    }

    /// Nothing may be left over.
    fn finish(self) -> Result<(), PolicyProblem> {
        match self.members.first() {
            None => Ok(()),
            Some((name, _)) if name == "Principal" || name == "NotPrincipal" => Err(problem(
                self.at(name),
                "has no place here: the policy is for whom it is given to",
            )),
            Some((name, _)) => Err(problem(self.at(name), "is no element of the policy language")),
        }
    }

    /// The texts of `name` or else of `Not<name>`, of which exactly one must be there.
    fn one_of(&mut self, name: &str) -> Result<(String, Vec<String>, bool), PolicyProblem> {
        let negated = format!("Not{name}");
        let (name, value, is_negated) = match (self.take(name), self.take(&negated)) {
            (Some(value), None) => (name, value, false),
            (None, Some(value)) => (negated.as_str(), value, true),
            (None, None) => {
                return Err(problem(&self.place, format!("needs {name} or {negated}")));
            }
            (Some(_), Some(_)) => {
                return Err(problem(&self.place, format!("has both {name} and {negated}")));
            }
        };
        let place = self.at(name);
        let texts = texts(&place, value)?;
        Ok((place, texts, is_negated))
    }
}

/// A text, or a list of at least one.
fn texts(place: &str, value: Json) -> Result<Vec<String>, PolicyProblem> {
    let values = match value {
        Json::List(values) if values.is_empty() => {
            return Err(problem(place, "must hold at least one text"));
        }
        Json::List(values) => values,
        value => vec![value],
    };
    let text = |value| match value {
        Json::Text(text) => Ok(text),
        _ => Err(problem(place, "must be a text or a list of texts")),
    };
    values.into_iter().map(text).collect()
}

fn read_statement(
    mut elements: Elements,
    has_variables: bool,
    ids: &mut BTreeSet<String>,
) -> Result<Statement, PolicyProblem> {
    match elements.take("Sid") {
        None => {}
        Some(Json::Text(id)) if !id.chars().all(|c| c.is_ascii_alphanumeric()) => {
            return Err(problem(elements.at("Sid"), "may hold letters and digits only"));
        }
        Some(Json::Text(id)) if id.is_empty() || ids.insert(id.clone()) => {}
        Some(Json::Text(_)) => {
            return Err(problem(elements.at("Sid"), "is that of another statement too"));
        }
        Some(_) => return Err(problem(elements.at("Sid"), "must be a text")),
    }
    let is_deny = match elements.take("Effect") {
        Some(Json::Text(effect)) if effect == "Allow" => false,
        Some(Json::Text(effect)) if effect == "Deny" => true,
        _ => return Err(problem(elements.at("Effect"), "must be \"Allow\" or \"Deny\"")),
    };
    let (place, texts, is_negated) = elements.one_of("Action")?;
    let patterns = texts.iter().map(|text| action(text).map_err(|text| problem(&place, text)));
    let actions = OneOf { patterns: patterns.collect::<Result<_, _>>()?, is_negated };
    let (place, texts, is_negated) = elements.one_of("Resource")?;
    let patterns = texts
        .iter()
        .map(|text| resource(text, has_variables).map_err(|text| problem(&place, text)));
    let resources = OneOf { patterns: patterns.collect::<Result<_, _>>()?, is_negated };
    let conditions = match elements.take("Condition") {
        None => Vec::new(),
        Some(written) => read_conditions(&elements.at("Condition"), written, has_variables)?,
    };
    elements.finish()?;
    Ok(Statement { is_deny, actions, resources, conditions })
}

/// An action: `*`, or a service and a pattern of its operations. Those of other services are
/// understood, and never match.
fn action(text: &str) -> Result<Pattern, String> {
    let is_service = |service: &str| {
        let mut letters = service.chars();
        !service.is_empty() && letters.all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    let is_name = |name: &str| {
        let mut letters = name.chars();
        !name.is_empty() && letters.all(|c| c.is_ascii_alphanumeric() || "*?".contains(c))
    };
    let parts = text.split_once(':');
    if text != "*" && !parts.is_some_and(|(service, name)| is_service(service) && is_name(name)) {
        return Err(format!("{text:?} is not an action such as cognito-idp:ListUsers"));
    }
    Pattern::compile(text, Syntax { wildcards: true, variables: false })
}

/// A resource: `*`, or an ARN with wildcards. Parts that are missing at its end may be anything, as
/// long as the service is there.
fn resource(text: &str, variables: bool) -> Result<Resource, String> {
    if text == "*" {
        return Ok(Resource::Everything);
    }
    let pattern = Pattern::compile(text, Syntax { wildcards: true, variables })?;
    let mut parts = pattern.split(6);
    let is_arn = parts.first().is_some_and(|part| part.is_literally("arn"));
    let names_service =
        parts.len() >= 3 && parts.iter().skip(1).take(2).all(|part| !part.is_empty());
    if !is_arn || !names_service {
        return Err(format!("{text:?} is neither * nor an ARN"));
    }
    parts.resize(6, Pattern::anything());
    Ok(Resource::Arn(parts))
}

/// The conditions of a statement, which must all hold.
fn read_conditions(
    place: &str,
    written: Json,
    has_variables: bool,
) -> Result<Vec<Condition>, PolicyProblem> {
    let Json::Object(operators) = written else {
        return Err(problem(place, "must be a JSON object"));
    };
    let mut conditions = Vec::new();
    for (name, keys) in operators {
        let place = format!("{place}.{name}");
        let Some(operator) = Operator::named(&name) else {
            return Err(problem(place, "is no operator that is known here"));
        };
        let Json::Object(keys) = keys else {
            return Err(problem(place, "must be a JSON object of condition keys"));
        };
        for (key, values) in keys {
            let place = format!("{place}.{key}");
            let values = condition_values(&place, values)?;
            let condition = Condition::new(operator, &key, &values, has_variables);
            conditions.push(condition.map_err(|text| problem(place, text))?);
        }
    }
    Ok(conditions)
}

/// Values of a condition; truth values and numbers may be written without quotes.
fn condition_values(place: &str, values: Json) -> Result<Vec<String>, PolicyProblem> {
    let values = match values {
        Json::List(values) if values.is_empty() => {
            return Err(problem(place, "must hold at least one value"));
        }
        Json::List(values) => values,
        value => vec![value],
    };
    let text = |value| match value {
        Json::Text(text) | Json::Number(text) => Ok(text),
        Json::Bool(value) => Ok(value.to_string()),
        Json::Null | Json::List(_) | Json::Object(_) => {
            Err(problem(place, "must be a text or a list of texts"))
        }
    };
    values.into_iter().map(text).collect()
}

#[cfg(test)]
mod tests;
