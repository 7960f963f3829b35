//! Percentiles of one cell, medians and ranges over rounds.

/// Percentiles in milliseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Latency {
    /// Half were faster.
    pub(crate) p50: f64,
    /// One in a hundred was slower.
    pub(crate) p99: f64,
    /// One in a thousand was slower.
    pub(crate) p999: f64,
}

impl Latency {
    /// Of times in nanoseconds. Without any, every percentile is infinite, which passes no comparison.
    pub(crate) fn of(mut nanoseconds: Vec<u64>) -> Self {
        nanoseconds.sort_unstable();
        let at = |share: f64| {
            let rank = (nanoseconds.len() as f64 * share).ceil() as usize;
            nanoseconds.get(rank.saturating_sub(1)).map_or(f64::INFINITY, |taken| *taken as f64 / 1e6)
        };
        Self { p50: at(0.5), p99: at(0.99), p999: at(0.999) }
    }
}

/// The middle of several rounds, with the least and the greatest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spread {
    /// The median.
    pub(crate) median: f64,
    /// The least.
    pub(crate) least: f64,
    /// The greatest.
    pub(crate) greatest: f64,
}

impl Spread {
    /// Of one figure a round; `None` if there is no round.
    pub(crate) fn of(figures: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut figures: Vec<f64> = figures.into_iter().collect();
        figures.sort_unstable_by(f64::total_cmp);
        let middle = figures.len() / 2;
        let upper = *figures.get(middle)?;
        let lower = *figures.get(figures.len().saturating_sub(1) / 2)?;
        Some(Self { median: f64::midpoint(lower, upper), least: *figures.first()?, greatest: *figures.last()? })
    }

    /// Written `median [least-greatest]`, with so many decimals.
    pub(crate) fn written(self, decimals: usize) -> String {
        let Self { median, least, greatest } = self;
        format!("{median:.decimals$} [{least:.decimals$} to {greatest:.decimals$}]")
    }
}
