//! Files that hold a secret: made with mode 0600, refused when anybody but the owner can read them.

use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use zeroize::Zeroizing;

use super::Problem;

/// A secret file is a key or a short text; more than this is something else.
const LARGEST: u64 = 64 * 1024;

/// The text of a secret file; `None`: there is none.
///
/// A file that group or others can read, or that is not a regular file, is a problem. The mode is taken from the open
/// file, so that it cannot be exchanged in between.
pub fn read(path: &Path) -> Result<Option<Zeroizing<String>>, Problem> {
    let file = match std::fs::OpenOptions::new().read(true).custom_flags(NO_WAIT).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Problem::of_file(path, format!("cannot open the key file: {error}"))),
    };
    let unreadable = |error: std::io::Error| Problem::of_file(path, format!("cannot read the key file: {error}"));
    let meta = file.metadata().map_err(unreadable)?;
    if !meta.is_file() {
        return Err(Problem::of_file(path, "the key file is not a regular file"));
    }
    let mode = meta.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(Problem::of_file(
            path,
            format!("the key file can be read or written by others (mode {mode:04o}); run `chmod 600` on it"),
        ));
    }
    let mut text = Zeroizing::new(String::new());
    file.take(LARGEST + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > LARGEST {
        return Err(Problem::of_file(path, "the key file is larger than a key can be"));
    }
    Ok(Some(text))
}

/// Opening a FIFO by mistake must not hang the start.
const NO_WAIT: i32 = rustix::fs::OFlags::NONBLOCK.bits() as i32;

/// Writes a new secret file, whole or not at all, and makes it durable. One that is there already is kept, and that is
/// a problem.
pub fn create(path: &Path, text: &str) -> Result<(), Problem> {
    write_new(path, text).map_err(|error| Problem::of_file(path, format!("cannot make the key file: {error}")))
}

fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    // A temporary file has mode 0600 from its first moment; a crash leaves the whole key or none.
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path).map_err(|error| error.error)?;
    std::fs::File::open(dir)?.sync_all()
}

/// The secret file's text, made by `make` where there is none yet.
pub fn read_or_create(
    path: &Path,
    make: impl FnOnce() -> Result<String, Problem>,
) -> Result<Zeroizing<String>, Problem> {
    if let Some(text) = read(path)? {
        return Ok(text);
    }
    let text = Zeroizing::new(make()?);
    create(path, &text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_only_its_owner_can_read_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/key");
        let made = read_or_create(&path, || Ok("one".to_owned())).unwrap();
        let again = read_or_create(&path, || Ok("two".to_owned())).unwrap();
        assert_eq!((made.as_str(), again.as_str()), ("one", "one"));
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_key_that_others_can_read_is_refused_with_its_mode() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        create(&path, "secret").unwrap();
        for mode in [0o640, 0o604, 0o620, 0o666] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let problem = read(&path).unwrap_err();
            assert!(problem.reason.contains(&format!("{mode:04o}")), "{problem}");
            assert!(!problem.to_string().contains("secret"));
        }
    }

    #[test]
    fn an_existing_key_is_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        create(&path, "first").unwrap();
        assert!(create(&path, "second").is_err());
        assert_eq!(read(&path).unwrap().unwrap().as_str(), "first");
    }
}
