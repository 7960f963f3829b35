//! `batch = { ... }`: a request that holds several, and by which routes its items are read.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::definition::{Batch, Definition, Requests, Route, Written};
use super::matcher::Table;

/// Items of one request, unless the definition says fewer.
const MOST: usize = 200;

/// A request that holds several: each item is judged, the whole is refused if one is.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct BatchFile {
    kind: BatchKind,
    at: Option<String>,
    most: Option<usize>,
    by: Option<String>,
    routes: BTreeMap<String, String>,
    rename: BTreeMap<String, String>,
    with: Vec<String>,
    answers: Option<String>,
}

#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum BatchKind {
    /// A list in a JSON body, each of whose items says what another route would.
    #[default]
    Items,
    /// A JSON list of requests in a form field.
    Graph,
    /// `multipart/mixed` of `application/http`.
    Http,
}

impl BatchFile {
    /// Whether it is of whole requests in parts of their own.
    pub(super) fn is_http(&self) -> bool {
        self.kind == BatchKind::Http
    }

    /// The batch, with the routes that it names among those that are `known`; of whole requests, with all of them.
    pub(super) fn read(self, definition: &Arc<Definition>, known: &[Arc<Route>]) -> Result<Batch, String> {
        if self.kind != BatchKind::Items {
            return self.of_requests(definition, known);
        }
        let at = self.at.as_deref().and_then(|at| at.strip_prefix('/')).ok_or("a batch says at which member it is")?;
        if at.contains('/') {
            return Err(format!("the batch at {at:?}: only a member of the body itself lists the items"));
        }
        let mut routes = Vec::new();
        for (name, id) in &self.routes {
            let route = known.iter().find(|route| route.id == *id && route.batch.is_none());
            let route = route.ok_or_else(|| format!("the batch names the route {id:?}, which is not there"))?;
            if !route.steps.is_empty()
                || route.container.is_some()
                || route.refuse.is_some()
                || route.path.params().next().is_some()
            {
                return Err(format!("the batch names the route {id:?}, which is no route for an item"));
            }
            routes.push((name.clone(), Arc::clone(route)));
        }
        match (&self.by, routes.len()) {
            (_, 0) => return Err("a batch names the routes of its items".to_owned()),
            (None, 2..) => return Err("a batch with several routes says by which member they differ".to_owned()),
            (_, _) => {}
        }
        Ok(Batch {
            at: at.to_owned(),
            most: self.most.unwrap_or(MOST).min(MOST),
            by: self.by,
            routes,
            rename: self.rename.into_iter().collect(),
            with: self.with,
            answers: self.answers,
            requests: None,
        })
    }

    fn of_requests(self, definition: &Arc<Definition>, known: &[Arc<Route>]) -> Result<Batch, String> {
        let items = self.by.is_some() || self.answers.is_some();
        if items || !self.routes.is_empty() || !self.rename.is_empty() || !self.with.is_empty() {
            return Err("a batch of whole requests says \"at\" and \"most\" only".to_owned());
        }
        let (at, written) = if self.kind == BatchKind::Graph {
            let at = self.at.as_deref().and_then(|at| at.strip_prefix("param:"));
            (at.ok_or("a Graph batch says in which param: its list is")?.to_owned(), Written::Graph)
        } else {
            if self.at.is_some() {
                return Err("a batch of parts is the body itself".to_owned());
            }
            ("requests".to_owned(), Written::Http)
        };
        let routes: Vec<_> = known.iter().filter(|route| route.batch.is_none()).cloned().collect();
        let table = Table::new(Arc::clone(definition), &routes);
        Ok(Batch {
            at,
            most: self.most.unwrap_or(MOST).min(MOST),
            by: None,
            routes: Vec::new(),
            rename: Vec::new(),
            with: Vec::new(),
            answers: None,
            requests: Some(Requests { written, table }),
        })
    }
}
