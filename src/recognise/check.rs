//! What makes a definition wrong although it can be read: routes that overlap or can never match, fields that nothing
//! accounts for, posts without a text.

use std::sync::Arc;

use http::Method;

use crate::domain::action::Action;

use super::definition::{BodyKind, ContainerStep, Definition, Encoding, FieldRole, HostPattern, Place, Route, Step};

/// Actions that show new words to somebody, so that a definition must say where the words are.
const SPEAKING: [Action; 6] =
    [Action::Publish, Action::Edit, Action::Reply, Action::DirectMessage, Action::Quote, Action::Schedule];

/// What is wrong with one route.
pub(super) fn route(route: &Route, hosts: &[HostPattern]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut say = |reason: String| wrong.push(format!("route {:?}: {reason}", route.id));
    if route.methods.is_empty() {
        say("without a method it can never match".to_owned());
    }
    for host in route.hosts.iter().filter(|host| !hosts.contains(host)) {
        say(format!("the host {:?} is not among the definition's, so it can never match", host.as_str()));
    }
    if route.path.has_tail() && route.refuse.is_none() {
        say("/** is for routes that are refused by name".to_owned());
    }
    if route.refuse.is_some() {
        return wrong;
    }
    if route.methods.contains(&Method::GET) && route.body != [BodyKind::None] {
        say("a GET has no body".to_owned());
    }
    let speaks = SPEAKING.contains(&route.action) || route.when.iter().any(|when| SPEAKING.contains(&when.action));
    let has_text =
        route.fields.iter().any(|field| matches!(field.role, FieldRole::Public(_)) || field.encoding == Encoding::Json);
    // A new time for a post that waits at the provider: its words were judged when it was sent.
    let has_text = has_text || route.fields.iter().any(|field| field.role == FieldRole::Schedule);
    // A picture or a film says something, too.
    let has_text = has_text || route.media_fields().next().is_some();
    let publishes = matches!(&route.container, Some(rule) if matches!(rule.step, ContainerStep::Publish { .. }));
    // A batch has its words in its items, a container's publication in the container.
    let elsewhere = route.unsupported.is_some() || publishes || route.batch.is_some();
    if speaks && !has_text && !elsewhere {
        say(format!("the action {} needs a field with a text", route.action));
    }
    for name in route.path.params() {
        let at = Place::Path(name.to_owned());
        let used = route.fields.iter().any(|field| field.at == at)
            || route.steps.iter().any(|step| match &step.step {
                Step::Append { session, .. } | Step::Finalize { session } | Step::Range { session, .. } => {
                    *session == at
                }
                Step::Describe { id, .. } => *id == at,
                Step::OneShot { .. } | Step::Init | Step::Open { .. } | Step::Begin { .. } | Step::Beside => false,
            });
        if !used && route.action != Action::Read {
            say(format!("no field says what the path parameter {name:?} is"));
        }
    }
    let uploads = route.action == Action::Upload;
    if uploads && route.steps.is_empty() && route.container.is_none() {
        say("an upload says which step it is".to_owned());
    }
    if matches!(&route.container, Some(rule) if matches!(rule.step, ContainerStep::Make { .. }))
        && route.published.is_empty()
    {
        say("the answer to making a container names it: \"published\"".to_owned());
    }
    let by_answer = |rule: &super::definition::StepRule| match &rule.step {
        Step::Open { key, .. } => key.is_empty(),
        Step::Begin { .. } => true,
        _ => false,
    };
    if route.steps.iter().any(by_answer) && route.published.is_empty() {
        say("the answer that opens a session names it: \"published\"".to_owned());
    }
    for field in &route.fields {
        if let Place::Path(name) = &field.at
            && !route.path.params().any(|param| param == name)
        {
            say(format!("the path has no parameter {name:?}"));
        }
        if let Place::Query(name) = &field.at
            && !route.query.contains(name)
        {
            say(format!("the query key {name:?} has a field but is not allowed"));
        }
        if field.at == Place::FormAny && field.role != FieldRole::Secret {
            say("form:* is for secrets only".to_owned());
        }
        if matches!(field.role, FieldRole::Volatile(_) | FieldRole::RetryKey(..)) && field.encoding != Encoding::Plain {
            say("a volatile field is plain".to_owned());
        }
    }
    wrong
}

/// Routes with one name, and pairs that can match the same request: line and reason.
pub(super) fn routes(routes: &[Arc<Route>]) -> Vec<(usize, String)> {
    let mut wrong = Vec::new();
    for (i, later) in routes.iter().enumerate() {
        for earlier in routes.iter().take(i) {
            if earlier.id == later.id {
                wrong.push((later.line, format!("there are two routes with the id {:?}", later.id)));
            }
            if overlap(earlier, later) {
                let reason = format!(
                    "route {:?} ({}) can match the same request as {:?} (line {})",
                    later.id, later.path.source, earlier.id, earlier.line
                );
                wrong.push((later.line, reason));
            }
        }
    }
    wrong
}

fn overlap(a: &Route, b: &Route) -> bool {
    a.methods.iter().any(|method| b.methods.contains(method))
        && a.hosts.iter().any(|host| b.hosts.iter().any(|other| host.overlaps(other)))
        && a.path.overlaps(&b.path)
}

/// Hosts that two definitions claim.
pub(super) fn hosts(definitions: &[Arc<Definition>]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (i, later) in definitions.iter().enumerate() {
        for earlier in definitions.iter().take(i) {
            let shared = |host: &HostPattern| {
                let named = |shares: &[String]| shares.iter().any(|name| name == host.as_str());
                named(&earlier.shares) && named(&later.shares)
            };
            let both = later.hosts.iter().filter(|host| earlier.hosts.iter().any(|other| other.overlaps(host)));
            for host in both.filter(|host| !shared(host)) {
                wrong.push(format!("{} and {} both claim the host {:?}", earlier.id, later.id, host.as_str()));
            }
        }
    }
    wrong
}

/// Routes of two definitions that share a host, and can match the same request.
pub(super) fn shared(all: &[&(Arc<Definition>, Vec<Arc<Route>>)]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (i, (later, theirs)) in all.iter().enumerate() {
        for (earlier, routes) in all.iter().take(i) {
            for route in theirs {
                for other in routes.iter().filter(|other| overlap(other, route)) {
                    wrong.push(format!(
                        "{} and {} share a host, and {:?} can match the same request as {:?}",
                        earlier.id, later.id, route.id, other.id
                    ));
                }
            }
        }
    }
    wrong
}
