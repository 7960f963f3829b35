//! `sekisho` (関所) stands between the posting tools of a public body and the APIs of the social networks.
//!
//! Every outbound post is understood, judged by the body's own guideline, written to a durable, tamper-evident
//! ledger, and only then leaves. The modules below stand in the order of the road:
//!
//! ```text
//! listen -> identify -> recognise -> extract -> inspect -> approve/exempt -> guideline -> ledger.enter -> forward -> ledger.close
//! ```
//!
//! # Five promises
//!
//! 1. **Nothing leaves unrecorded.** Bytes reach a provider only through [`forward`], which takes a
//!    [`ledger::Entered`] and nothing else; the ledger makes one only after the entry is durable.
//! 2. **What is seen is what is approved is what is published.** One [digest](domain::digest) over everything that
//!    reaches the public; an approval names it and is spent in the entry's own transaction, once.
//! 3. **Nothing passes because nobody looked.** What is unknown, ambiguous or undecidable is refused, with a reason.
//! 4. **An exemption skips the approver only.** Filters, account state and ledger stay, in a disaster too.
//! 5. **Every entry gets an outcome**: published, refused by the provider, not sent, or *unknown*. A timeout is
//!    unknown, never retried, never called failed.

pub mod domain;

pub mod config;

pub mod listen;

pub mod identify;

pub mod recognise;

pub mod extract;

pub mod inspect;

pub mod approve;

pub mod exempt;

pub mod guideline;

pub mod registry;

pub mod ledger;

pub mod forward;

pub mod fetch;

pub mod media;

pub mod gate;

pub mod store;

pub mod stream;

pub mod credentials;

pub mod egress;

pub mod emergency;

pub mod console;

pub mod practice;

pub mod observe;

pub mod serve;

pub mod demo;

pub mod cli;
