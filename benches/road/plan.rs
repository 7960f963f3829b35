//! What a run does, from the environment.

use std::fs::File;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::Broken;

/// Connections of the closed loop, cell by cell.
pub(crate) const CONNECTIONS: [usize; 4] = [1, 16, 64, 256];
/// Connections of the cell that the throughput is judged by.
pub(crate) const JUDGED: usize = 64;
/// Posts a second of the open loop.
pub(crate) const OPEN_RATE: u32 = 500;
/// Connections of the open loop.
pub(crate) const OPEN_CONNECTIONS: usize = 64;
/// What a cell sends before it counts.
pub(crate) const WARM_UP: Duration = Duration::from_millis(200);
/// Longest time for the deposits before one cell.
pub(crate) const DEPOSIT: Duration = Duration::from_secs(3);

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// The provider itself, over TLS, without any proxy.
    Direct,
    /// The bare hyper proxy.
    Floor,
    /// `sekisho serve`.
    Gate,
}

impl Subject {
    const ALL: [Self; 3] = [Self::Direct, Self::Floor, Self::Gate];

    /// The name in the tables.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Floor => "floor",
            Self::Gate => "gate",
        }
    }
}

impl FromStr for Subject {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|subject| subject.as_str() == name).ok_or(())
    }
}

/// One or more of a kind, with commas between.
struct List<T>(Vec<T>);

impl<T: FromStr> FromStr for List<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        text.split(',').map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

/// The settings of a run.
pub(crate) struct Plan {
    /// Rounds, each with every subject in turn (`ROAD_ROUNDS`).
    pub(crate) rounds: usize,
    /// Length of a closed-loop cell of direct and floor (`ROAD_CELL_MS`).
    pub(crate) cell: Duration,
    /// Length of a closed-loop cell of the gate: a third longer.
    pub(crate) gate_cell: Duration,
    /// Length of the open loop (`ROAD_OPEN_S`).
    pub(crate) open: Duration,
    /// Proxy on CPU 0, load and provider on CPU 1 (`ROAD_PIN`; needs `taskset` and two CPUs).
    pub(crate) pin: bool,
    /// No processor goes to sleep while the run lasts (`ROAD_AWAKE`; needs root).
    pub(crate) awake: Option<File>,
    /// No new round begins when it would end after this (`ROAD_BUDGET_S`).
    pub(crate) budget: Duration,
    /// Direct, floor and gate, or some of them (`ROAD_SUBJECTS`, with commas between).
    pub(crate) subjects: Vec<Subject>,
    /// Connections of the closed loop, cell by cell (`ROAD_CONNECTIONS`, with commas between).
    pub(crate) connections: Vec<usize>,
    /// What the floor speaks to the provider (`ROAD_FLOOR_ALPN`): `http/1.1`, pooled, or `h2`.
    pub(crate) floor_alpn: String,
    /// Where data is written and the disk is probed (`ROAD_DIR`).
    pub(crate) dir: PathBuf,
}

impl Plan {
    /// The CPU of the proxy, and that of load and provider.
    pub(crate) fn cpus(&self) -> (Option<u8>, Option<u8>) {
        if self.pin { (Some(0), Some(1)) } else { (None, None) }
    }

    /// Reads the environment.
    pub(crate) fn from_env() -> Result<Self, Broken> {
        let cell = variable("ROAD_CELL_MS", 1_500_u32)?;
        let subjects: List<Subject> = variable("ROAD_SUBJECTS", List(Subject::ALL.to_vec()))?;
        let connections: List<usize> = variable("ROAD_CONNECTIONS", List(CONNECTIONS.to_vec()))?;
        let floor_alpn = variable("ROAD_FLOOR_ALPN", "http/1.1".to_owned())?;
        if !["http/1.1", "h2"].contains(&floor_alpn.as_str()) {
            return Err(format!("ROAD_FLOOR_ALPN is http/1.1 or h2, not {floor_alpn}").into());
        }
        Ok(Self {
            rounds: variable("ROAD_ROUNDS", 5_usize)?.max(1),
            cell: Duration::from_millis(u64::from(cell)),
            gate_cell: Duration::from_millis(u64::from(cell) * 4 / 3),
            open: Duration::from_secs(variable("ROAD_OPEN_S", 10_u64)?.max(1)),
            pin: variable("ROAD_PIN", 1_u8)? != 0 && crate::child::can_pin(),
            awake: if variable("ROAD_AWAKE", 0_u8)? != 0 { Some(crate::child::keep_awake()?) } else { None },
            budget: Duration::from_secs(variable("ROAD_BUDGET_S", 345_u64)?),
            subjects: subjects.0,
            connections: connections.0,
            floor_alpn,
            dir: variable("ROAD_DIR", PathBuf::from(env!("CARGO_TARGET_TMPDIR")))?,
        })
    }
}

fn variable<T: FromStr>(name: &str, default: T) -> Result<T, Broken> {
    match std::env::var(name) {
        Ok(text) => text.parse().map_err(|_| format!("{name}={text} is not understood").into()),
        Err(std::env::VarError::NotPresent) => Ok(default),
        Err(error) => Err(format!("{name}: {error}").into()),
    }
}
