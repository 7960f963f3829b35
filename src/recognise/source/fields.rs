//! The fields of a route, and what stands inside a JSON text in one.

use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;

use super::{FieldFile, Reader, Shared};
use crate::recognise::definition::{Encoding, FieldRole, FieldRule, Place, Pointer, PointerStep, Route};
use crate::recognise::words::{place, role};

impl Reader<'_> {
    /// The fields of a route: its own; those of the route that it is like, as far as it takes their query keys; those of
    /// every route. The first of a place counts.
    pub(super) fn fields(
        &mut self,
        span: &Range<usize>,
        own: Vec<Spanned<FieldFile>>,
        like: Option<&str>,
        query: &[String],
        shared: &Shared<'_>,
        known: &[Arc<Route>],
    ) -> Vec<FieldRule> {
        let mut fields: Vec<FieldRule> = own.into_iter().filter_map(|field| self.field(field)).collect();
        let mut others = Vec::new();
        match like.map(|id| (id, known.iter().find(|route| route.id == id))) {
            None => {}
            Some((_, Some(route))) => others.push(route.fields.as_slice()),
            Some((id, None)) => {
                self.problem(Some(span.clone()), format!("fields_of: there is no route {id:?} before this one"));
            }
        }
        let taken = |field: &&FieldRule| match &field.at {
            Place::Query(name) => query.contains(name),
            _ => true,
        };
        for other in others.into_iter().chain([shared.fields.as_slice()]) {
            let places: Vec<_> = fields.iter().map(|field| field.at.clone()).collect();
            fields.extend(other.iter().filter(taken).filter(|field| !places.contains(&field.at)).cloned());
        }
        fields
    }

    pub(super) fn field(&mut self, field: Spanned<FieldFile>) -> Option<FieldRule> {
        let span = field.span();
        let file = field.into_inner();
        let at = self.take(&span, place(&file.at))?;
        let role = self.take(&span, role(&file.role, file.grammar, file.minutes))?;
        // In a JSON body the value may stand there as it is, without a text around it.
        let at = match at {
            Place::Json(pointer) if file.encoding == Some(Encoding::Json) => {
                Place::Json(Pointer { deep: true, ..pointer })
            }
            at => at,
        };
        let below = matches!(&at, Place::Json(pointer) if pointer.steps.contains(&PointerStep::Below));
        if below && !matches!(role, FieldRole::MediaUrl | FieldRole::MediaUnseen) {
            let reason = "** between two steps is for media by URL; for every other role ** ends a pointer";
            self.problem(Some(span.clone()), reason.to_owned());
        }
        let mut inner = Vec::new();
        if file.encoding == Some(Encoding::Json) {
            for field in file.inner {
                if field.get_ref().only_when.is_some() {
                    self.problem(Some(field.span()), "inner fields take no \"only_when\"".to_owned());
                }
                inner.extend(self.field(field));
            }
        } else if let Some(inner) = file.inner.first() {
            self.problem(Some(inner.span()), "inner fields need encoding = \"json\"".to_owned());
        }
        let only_when = match file.only_when {
            Some(condition) => Some(self.condition(&span, condition)?),
            None => None,
        };
        Some(FieldRule { at, role, encoding: file.encoding.unwrap_or(Encoding::Plain), inner, only_when })
    }
}
