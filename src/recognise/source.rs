//! The shape of a definition file, and its reading into checked form. Every problem is told with its line.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use http::Method;
use serde::Deserialize;
use toml::Spanned;

use crate::config::Problem;
use crate::domain::account::ProviderId;
use crate::domain::action::Action;

use super::batch::BatchFile;
use super::definition::{
    AddressAt, BodyKind, Condition, Definition, Encoding, ErrorShape, FieldRule, Grammar, HostPattern, RefuseRule,
    Route, When,
};
use super::matcher::PathTemplate;
use super::words::{credential, header, host_pattern, method, place};

mod container;
mod example;
mod fields;
mod step;

use step::StepFile;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    id: ProviderId,
    name: Name,
    hosts: Spanned<Vec<String>>,
    /// Hosts on which people post by hand, for the rules that close the way round the gate.
    #[serde(default)]
    web_hosts: Vec<String>,
    /// The hosts come from the configuration: one instance of a federated provider.
    #[serde(default)]
    instance: bool,
    default_host: Option<String>,
    errors: ErrorShape,
    /// Forms and queries nest by brackets.
    #[serde(default)]
    brackets: bool,
    /// Ids of media are made from their bytes.
    #[serde(default)]
    media_by_content: bool,
    /// Nothing is sent: a person does it by hand.
    #[serde(default)]
    by_hand: bool,
    /// Members of a body that are refused by name.
    #[serde(default)]
    never: Vec<String>,
    /// Where answers name addresses of its own at which a tool goes on: `/upload_url`, `/**/paging/next`.
    #[serde(default)]
    addresses: Option<Spanned<Vec<String>>>,
    /// The member of a body that makes a batch of any request.
    batch_key: Option<String>,
    /// `{v}`: an optional `/v<digits>.<digits>` before every path.
    #[serde(default)]
    versioned: bool,
    credential: Spanned<Vec<String>>,
    #[serde(default)]
    parameters: Vec<String>,
    headers: Spanned<Vec<String>>,
    /// Where a request may ask to be taken for another method: `param:method`, `header:x-http-method-override`.
    #[serde(default)]
    overrides: Vec<String>,
    /// Hosts that another definition may claim too.
    #[serde(default)]
    shares: Vec<String>,
    /// Named lists of query keys, for `query = ["@name"]`.
    #[serde(default)]
    sets: std::collections::BTreeMap<String, Vec<String>>,
    /// What every route takes besides its own.
    #[serde(default)]
    every: Every,
    routes: Vec<Spanned<RouteFile>>,
}

/// Query keys and fields of every route.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Every {
    query: Vec<String>,
    fields: Vec<Spanned<FieldFile>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Name {
    ja: String,
    en: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RouteFile {
    id: String,
    means: Option<String>,
    methods: Vec<String>,
    hosts: Option<Vec<String>>,
    path: String,
    /// Whether a slash may end the path.
    #[serde(default)]
    slash: bool,
    action: Action,
    #[serde(default)]
    when: Vec<Spanned<WhenFile>>,
    /// Whether one of `when` must hold.
    #[serde(default)]
    when_required: bool,
    #[serde(default)]
    body: Vec<BodyKind>,
    #[serde(default)]
    types: Vec<String>,
    #[serde(default)]
    limits: std::collections::BTreeMap<BodyKind, u64>,
    #[serde(default)]
    query: Vec<String>,
    #[serde(default)]
    repeats: Vec<String>,
    #[serde(default)]
    headers: Vec<String>,
    #[serde(default)]
    fields: Vec<Spanned<FieldFile>>,
    /// A route before this one whose fields it has, too.
    fields_of: Option<String>,
    #[serde(default)]
    steps: Vec<Spanned<StepFile>>,
    #[serde(default)]
    published: Vec<String>,
    batch: Option<BatchFile>,
    container: Option<container::ContainerFile>,
    /// A body in JSON as the provider's documents show it, or a list of several: every pointer of the route's own fields
    /// finds something in it, or in the form.
    example: Option<Spanned<String>>,
    /// The same as a form or the parts of a multipart body, one `name=value` a line.
    example_form: Option<Spanned<String>>,
    refuse: Option<RefuseRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WhenFile {
    at: String,
    equals: Option<String>,
    #[serde(default)]
    beyond: Vec<String>,
    has: Option<String>,
    /// A second condition that must hold, too.
    also: Option<ConditionFile>,
    says: Option<bool>,
    action: Action,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldFile {
    at: String,
    role: String,
    encoding: Option<Encoding>,
    grammar: Option<Grammar>,
    /// How long the provider knows a retry key again.
    minutes: Option<u32>,
    /// Fields inside a JSON text (`encoding = "json"`).
    #[serde(default)]
    inner: Vec<Spanned<FieldFile>>,
    /// The field counts only while this holds (a record of one collection).
    only_when: Option<ConditionFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConditionFile {
    at: String,
    equals: Option<String>,
    #[serde(default)]
    absent: bool,
    says: Option<bool>,
    #[serde(default)]
    beyond: Vec<String>,
    has: Option<String>,
}

/// A definition and its routes.
pub(super) type Described = (Arc<Definition>, Vec<Arc<Route>>);

/// Reads a definition file. `file` is named in problems; `instance` are the hosts that the configuration gives.
pub(super) fn read(text: &str, file: Option<&Path>, instance: &[String]) -> Result<Described, Vec<Problem>> {
    let mut reader = Reader { text, file, problems: Vec::new() };
    let parsed: File = match toml::from_str(text) {
        Ok(parsed) => parsed,
        Err(error) => {
            reader.problem(error.span(), error.message().to_owned());
            return Err(reader.problems);
        }
    };
    let result = reader.definition(parsed, instance);
    if reader.problems.is_empty() { Ok(result) } else { Err(reader.problems) }
}

struct Reader<'t> {
    text: &'t str,
    file: Option<&'t Path>,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn line(&self, offset: usize) -> usize {
        self.text.bytes().take(offset).filter(|b| *b == b'\n').count() + 1
    }

    fn problem(&mut self, span: Option<Range<usize>>, reason: String) {
        let line = span.map(|span| self.line(span.start));
        self.problems.push(Problem { file: self.file.map(Path::to_path_buf), line, reason });
    }

    /// The value, or the problem noted.
    fn take<T>(&mut self, span: &Range<usize>, result: Result<T, String>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(reason) => {
                self.problem(Some(span.clone()), reason);
                None
            }
        }
    }

    fn definition(&mut self, file: File, instance: &[String]) -> Described {
        let span = file.hosts.span();
        let mut hosts = Vec::new();
        for host in file.hosts.get_ref().iter().chain(if file.instance { instance } else { &[] }) {
            hosts.extend(self.take(&span, host_pattern(host)));
        }
        if hosts.is_empty() && !file.instance {
            self.problem(Some(span.clone()), "a definition names at least one host".to_owned());
        }
        let default_host = file.default_host.or_else(|| file.instance.then(|| instance.first().cloned()).flatten());
        if let Some(host) = &default_host
            && !hosts.iter().any(|pattern| pattern.accepts(host))
        {
            self.problem(Some(span), format!("default_host {host:?} is not among the hosts"));
        }
        let span = file.credential.span();
        let credential =
            file.credential.get_ref().iter().filter_map(|text| self.take(&span, credential(text))).collect();
        let span = file.headers.span();
        let headers = file.headers.get_ref().iter().filter_map(|text| self.take(&span, header(text))).collect();
        let parameters = file
            .parameters
            .iter()
            .filter_map(|text| text.split_once('='))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        let web_hosts = file.web_hosts.iter().filter_map(|host| self.take(&span, host_pattern(host))).collect();
        let addresses = file.addresses.map_or_else(Vec::new, |places| {
            let span = places.span();
            places.get_ref().iter().filter_map(|text| self.take(&span, AddressAt::parse(text))).collect()
        });
        let definition = Arc::new(Definition {
            addresses,
            id: file.id,
            name_ja: file.name.ja,
            name_en: file.name.en,
            hosts,
            web_hosts,
            default_host,
            errors: file.errors,
            credential,
            parameters,
            headers,
            overrides: file.overrides.iter().filter_map(|text| self.take(&span, place(text))).collect(),
            shares: file.shares,
            instance: file.instance,
            brackets: file.brackets,
            media_by_content: file.media_by_content,
            by_hand: file.by_hand,
            never: file.never,
            batch_key: file.batch_key,
        });
        let every = file.every.fields.into_iter().filter_map(|field| self.field(field)).collect();
        let shared = Shared {
            definition: &definition,
            hosts: &definition.hosts,
            sets: &file.sets,
            versioned: file.versioned,
            query: &file.every.query,
            fields: every,
        };
        // A batch names the routes of its items, so it is made after them.
        let (batches, plain): (Vec<_>, Vec<_>) =
            file.routes.into_iter().partition(|route| route.get_ref().batch.is_some());
        let mut routes: Vec<Arc<Route>> = Vec::new();
        for route in plain.into_iter().chain(batches) {
            let made = self.route(route, &shared, &routes).map(Arc::new);
            routes.extend(made);
        }
        self.check_routes(&routes);
        (definition, routes)
    }

    fn route(&mut self, route: Spanned<RouteFile>, shared: &Shared<'_>, known: &[Arc<Route>]) -> Option<Route> {
        let span = route.span();
        let before = self.problems.len();
        let file = route.into_inner();
        let unsupported = unsupported(&file);
        let path = self.take(&span, PathTemplate::parse(&file.path, file.slash, shared.versioned))?;
        let methods: Vec<Method> = file.methods.iter().filter_map(|text| self.take(&span, method(text))).collect();
        let hosts = match &file.hosts {
            None => shared.hosts.to_vec(),
            Some(names) => names.iter().filter_map(|name| self.take(&span, host_pattern(name))).collect(),
        };
        let keys: Vec<String> = file.query.iter().chain(shared.query).cloned().collect();
        let query = self.query(&span, &keys, shared);
        let headers = file.headers.iter().filter_map(|text| self.take(&span, header(text))).collect();
        let examples = (file.example.as_ref(), file.example_form.as_ref());
        self.exemplified(examples, &file.fields, shared.definition.brackets);
        let fields = self.fields(&span, file.fields, file.fields_of.as_deref(), &query, shared, known);
        let mut when = Vec::new();
        for spanned in file.when {
            let span = spanned.span();
            let rule = spanned.into_inner();
            if let Some(at) = self.take(&span, place(&rule.at)) {
                let also = rule.also.and_then(|also| self.condition(&span, also));
                let WhenFile { equals, says, beyond, has, .. } = rule;
                let condition = Condition { at, equals, absent: false, says, beyond, has };
                when.push(When { condition, also, action: rule.action });
            }
        }
        let steps = file.steps.into_iter().filter_map(|step| self.step(step)).collect();
        let container = file.container.and_then(|container| self.container(&span, container));
        let published = file.published.iter().filter_map(|text| self.take(&span, place(text))).collect();
        let batch = match file.batch {
            Some(batch) => Some(self.take(&span, batch.read(shared.definition, known))?),
            None => None,
        };
        let route = Route {
            means: file.means.unwrap_or_else(|| file.id.clone()),
            id: file.id,
            line: self.line(span.start),
            methods,
            hosts,
            path,
            action: file.action,
            when,
            when_required: file.when_required,
            body: if file.body.is_empty() { vec![BodyKind::None] } else { file.body },
            raw_types: file.types,
            limits: file.limits.into_iter().collect(),
            query,
            repeats: file.repeats,
            headers,
            fields,
            steps,
            container,
            published,
            batch,
            refuse: file.refuse,
            unsupported,
        };
        super::check::route(&route, shared.hosts)
            .into_iter()
            .for_each(|reason| self.problem(Some(span.clone()), reason));
        (self.problems.len() == before).then_some(route)
    }

    fn query(&mut self, span: &Range<usize>, names: &[String], shared: &Shared<'_>) -> Vec<String> {
        let mut query = Vec::new();
        for name in names {
            match name.strip_prefix('@') {
                None => query.push(name.clone()),
                Some(set) => match shared.sets.get(set) {
                    Some(keys) => query.extend(keys.iter().cloned()),
                    None => self.problem(Some(span.clone()), format!("there is no set of query keys named {set:?}")),
                },
            }
        }
        query
    }

    fn check_routes(&mut self, routes: &[Arc<Route>]) {
        for (line, reason) in super::check::routes(routes) {
            self.problems.push(Problem { file: self.file.map(Path::to_path_buf), line: Some(line), reason });
        }
    }
}

/// What a route takes from its definition.
struct Shared<'d> {
    definition: &'d Arc<Definition>,
    hosts: &'d [HostPattern],
    sets: &'d std::collections::BTreeMap<String, Vec<String>>,
    versioned: bool,
    /// Query keys and fields of every route.
    query: &'d [String],
    fields: Vec<FieldRule>,
}

/// What of a route cannot be carried out yet.
fn unsupported(file: &RouteFile) -> Option<&'static str> {
    let field = |test: &dyn Fn(&FieldFile) -> bool| file.fields.iter().any(|field| test(field.get_ref()));
    let http = file.batch.as_ref().is_some_and(BatchFile::is_http);
    let needs: [(bool, &'static str); 2] = [
        (field(&|field| field.encoding == Some(Encoding::Brackets)), "bracket keys"),
        (file.body.contains(&BodyKind::HttpBatch) != http, "a body of several parts"),
    ];
    needs.iter().find(|(needed, _)| *needed).map(|(_, what)| *what)
}
