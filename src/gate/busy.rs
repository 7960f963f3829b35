//! Media that something is happening to: an upload step never crosses another one, or a post that shows the medium.
//!
//! What a step changes is learned from its answer. A post that were judged while the step is on its way would be
//! approved with one alternative text and published with another; a session that were ended beside a part of it would
//! be bound to a hash without that part.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::account::ProviderId;
use crate::domain::decision::Refusal;
use crate::domain::media::{UploadStep, session_name};
use crate::extract::Extracted;

/// Media in use, by provider and id.
#[derive(Debug, Default)]
pub struct Busy(Mutex<HashMap<Key, Users>>);

type Key = (ProviderId, String);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    /// A part of it is sent; parts may be sent in parallel.
    Part,
    /// A post shows it.
    Shown,
    /// It is ended or described; one part of it, by its number, is sent.
    Sole,
}

#[derive(Debug)]
struct Users {
    of: Use,
    count: usize,
}

/// What a request holds until its outcome is recorded.
#[derive(Debug)]
pub struct Held {
    busy: Arc<Busy>,
    keys: Vec<Key>,
}

impl Busy {
    /// Holds every medium of the request.
    ///
    /// # Errors
    /// Refusal `media-busy`.
    pub fn hold(self: &Arc<Self>, provider: &ProviderId, extracted: &Extracted) -> Result<Held, Refusal> {
        // A session's bytes are on their way under another name than the post that shows them says.
        let names = extracted.media_ids.iter().flat_map(|id| [id.clone(), session_name(id)]);
        let mut wanted: Vec<(Key, Use)> = names.map(|id| ((provider.clone(), id), Use::Shown)).collect();
        wanted.sort_by(|a, b| a.0.cmp(&b.0));
        wanted.dedup();
        match &extracted.upload {
            Some(UploadStep::Append { session, number, .. }) => {
                wanted.push(((provider.clone(), session.clone()), Use::Part));
                // The same part twice at once: which one the provider keeps would be anybody's guess.
                wanted.push(((provider.clone(), format!("{session}\0{number}")), Use::Sole));
            }
            Some(
                UploadStep::Finalize { session: id }
                | UploadStep::Describe { id, .. }
                | UploadStep::Range { session: id, .. },
            ) => {
                wanted.push(((provider.clone(), id.clone()), Use::Sole));
            }
            None | Some(UploadStep::OneShot { .. } | UploadStep::Init | UploadStep::Open { .. }) => {}
        }
        let mut held = Held { busy: Arc::clone(self), keys: Vec::new() };
        for (key, of) in wanted {
            let mut users = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            match users.get_mut(&key) {
                Some(there) if there.of == of && of != Use::Sole => there.count += 1,
                Some(_) => {
                    drop(users);
                    return Err(busy());
                }
                None => {
                    users.insert(key.clone(), Users { of, count: 1 });
                }
            }
            held.keys.push(key);
        }
        Ok(held)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut users = self.busy.0.lock().unwrap_or_else(PoisonError::into_inner);
        for key in &self.keys {
            if let Some(there) = users.get_mut(key) {
                there.count -= 1;
                if there.count == 0 {
                    users.remove(key);
                }
            }
        }
    }
}

fn busy() -> Refusal {
    Refusal::refused(
        "media-busy",
        "この画像・動画については、前の操作がまだ終わっていません。",
        "Another request is changing this medium or showing it.",
        "前の操作の結果を待ってから、もう一度送信してください。",
    )
    .citing("sekisho:promise-2")
}
