//! The links of held posts, looked at by the rules in force and called by the gateway's own fetcher. Wired here because
//! neither the console nor the inspector may call anybody.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::task::JoinSet;

use crate::config::inspect::Probe;
use crate::domain::clock::in_japan;
use crate::domain::link::{Links, Looked, Said, Told};
use crate::fetch::Fetcher;
use crate::gate::Gate;
use crate::inspect::linked;

/// Looks at links.
pub(super) struct Lookout {
    gate: Arc<Gate>,
    /// None: links are read and not called.
    fetcher: Option<Arc<Fetcher>>,
    config: Probe,
}

impl Lookout {
    pub(super) fn new(gate: &Arc<Gate>, fetcher: Option<Fetcher>, config: &Probe) -> Self {
        Self { gate: Arc::clone(gate), fetcher: fetcher.map(Arc::new), config: config.clone() }
    }

    async fn all(&self, texts: Vec<Said>) -> Looked {
        let most = self.config.links;
        let found = tokio::task::spawn_blocking(move || linked::all(&texts, most)).await;
        let Ok((links, left_out)) = found else {
            tracing::error!("the links of a held post could not be read");
            return Looked { resolved: false, links: Vec::new(), left_out: 1 };
        };
        let mut ways: Vec<_> = links.iter().map(|_| None).collect();
        if let Some(fetcher) = &self.fetcher {
            let mut called = JoinSet::new();
            for (n, link) in links.iter().enumerate() {
                let (fetcher, url) = (Arc::clone(fetcher), link.url.clone());
                called.spawn(async move { (n, fetcher.way(&url).await) });
            }
            while let Some(gone) = called.join_next().await {
                if let Ok((n, way)) = gone
                    && let Some(place) = ways.get_mut(n)
                {
                    *place = Some(way);
                }
            }
        }
        let (rules, today) = (self.gate.rules.load_full(), in_japan(self.gate.clock.now()).date());
        let prohibited = |host: &str| self.config.is_prohibited(host);
        let told = |(link, way)| -> Told { linked::told(&rules.inspection, today, link, way, &prohibited) };
        let links = links.into_iter().zip(ways).map(told).collect();
        Looked { resolved: self.fetcher.is_some(), links, left_out }
    }
}

impl Links for Lookout {
    fn look(&self, texts: Vec<Said>) -> Pin<Box<dyn Future<Output = Looked> + Send + '_>> {
        Box::pin(self.all(texts))
    }
}

/// Where nothing is looked at yet: before the rules are in force no port is open.
pub(super) struct Nobody;

impl Links for Nobody {
    fn look(&self, _: Vec<Said>) -> Pin<Box<dyn Future<Output = Looked> + Send + '_>> {
        Box::pin(std::future::ready(Looked { resolved: false, links: Vec::new(), left_out: 1 }))
    }
}
