//! The spool: bodies and parts of uploads on their way. What nobody ended is swept, or it would fill the disk that the
//! ledger needs.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio_util::sync::CancellationToken;

use crate::config::Problem;
use crate::domain::clock::Clock;

/// Longer than any upload session lives at a provider; Google's live for a week.
const OLD: Duration = Duration::from_secs(8 * 24 * 3600);
/// How often it is swept.
const EVERY: Duration = Duration::from_secs(3600);

/// Makes the directory and sweeps it.
///
/// # Errors
/// It cannot be made or read.
pub(super) fn open(dir: &Path, clock: &dyn Clock) -> Result<(), Problem> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.and_then(|()| sweep(dir, SystemTime::from(clock.now()))).map_err(|error| Problem {
        file: Some(dir.to_owned()),
        line: None,
        reason: format!("the spool directory cannot be used: {error}"),
    })
}

/// Sweeps it each hour, until the gateway stops.
pub(super) async fn keep(dir: PathBuf, clock: Arc<dyn Clock>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        let (dir, now) = (dir.clone(), SystemTime::from(clock.now()));
        match tokio::task::spawn_blocking(move || sweep(&dir, now)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the spool directory could not be swept"),
            Err(error) => tracing::warn!(%error, "the spool directory could not be swept"),
        }
    }
}

/// Throws away what is old. Files come and go meanwhile.
fn sweep(dir: &Path, now: SystemTime) -> std::io::Result<()> {
    for file in std::fs::read_dir(dir)? {
        let file = file?;
        let swept = file.metadata().and_then(|about| about.modified()).and_then(|at| {
            let old = now.duration_since(at).is_ok_and(|age| age > OLD);
            if old { std::fs::remove_file(file.path()) } else { Ok(()) }
        });
        swept.or_else(|error| if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_ended_is_swept_and_what_is_on_its_way_is_not() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["old", "new"] {
            std::fs::write(dir.path().join(name), b"part").unwrap();
        }
        let old = std::fs::File::options().write(true).open(dir.path().join("old")).unwrap();
        let now = std::fs::metadata(dir.path().join("new")).unwrap().modified().unwrap();
        old.set_modified(now - OLD - Duration::from_secs(1)).unwrap();
        sweep(dir.path(), now).unwrap();
        let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
        assert_eq!(left, ["new"]);
        assert!(sweep(&dir.path().join("none"), now).is_err());
    }
}
