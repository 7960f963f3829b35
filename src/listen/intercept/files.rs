//! The files of the internal CA: keys readable by the owner alone, every write whole or not at all.

use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rcgen::KeyPair;

use crate::config::Problem;

/// The root's certificate, for trust stores.
pub(super) const ROOT: &str = "root.pem";
/// The root's key. May be kept on another machine.
pub(super) const ROOT_KEY: &str = "root.key.pem";
/// The certificate that signs leaves.
pub(super) const INTERMEDIATE: &str = "intermediate.pem";
/// Its key.
pub(super) const INTERMEDIATE_KEY: &str = "intermediate.key.pem";
/// What the root is asked to sign when its key is elsewhere.
pub(super) const REQUEST: &str = "intermediate.csr.pem";
/// The certificate of the gateway's own names.
pub(super) const OWN: &str = "gateway.pem";
/// Its key.
pub(super) const OWN_KEY: &str = "gateway.key.pem";

/// The directory of the CA.
#[derive(Clone, Debug)]
pub(super) struct Files {
    dir: PathBuf,
}

impl Files {
    /// Opens the directory, making it (0700) if it isn't there. Others must not be able to write in it.
    pub(super) fn open(dir: &Path) -> Result<Self, Problem> {
        let files = Self { dir: dir.to_owned() };
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .map_err(|error| at(dir, format!("the directory of the internal CA can't be made: {error}")))?;
        let mode = std::fs::metadata(dir).map_err(|error| at(dir, error.to_string()))?.mode() & 0o777;
        if mode & 0o022 != 0 {
            return Err(at(
                dir,
                format!("mode {mode:04o} lets others write; the directory of the internal CA needs 0700"),
            ));
        }
        Ok(files)
    }

    /// The path of one file.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// A problem with one file.
    pub(super) fn problem(&self, name: &str, reason: impl Into<String>) -> Problem {
        at(&self.path(name), reason.into())
    }

    /// The text of a file; none if there is no such file.
    pub(super) fn read(&self, name: &str) -> Result<Option<String>, Problem> {
        match std::fs::read_to_string(self.path(name)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.problem(name, format!("can't be read: {error}"))),
        }
    }

    /// A key; none if there is no such file. A key that group or others can read is a problem, not a key.
    pub(super) fn key(&self, name: &str) -> Result<Option<KeyPair>, Problem> {
        let Some(text) = self.read(name)? else { return Ok(None) };
        let meta = std::fs::metadata(self.path(name)).map_err(|error| self.problem(name, error.to_string()))?;
        let mode = meta.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(self.problem(name, format!("mode {mode:04o} lets others read the key; it needs 0600")));
        }
        KeyPair::from_pem(&text).map(Some).map_err(|error| self.problem(name, format!("is no private key: {error}")))
    }

    /// Writes a key, 0600.
    pub(super) fn write_key(&self, name: &str, key: &KeyPair) -> Result<(), Problem> {
        self.write(name, &zeroize::Zeroizing::new(key.serialize_pem()), 0o600)
    }

    /// Writes a certificate or request, 0644: whole, durable, then in one step under its name.
    pub(super) fn write_public(&self, name: &str, text: &str) -> Result<(), Problem> {
        self.write(name, text, 0o644)
    }

    fn write(&self, name: &str, text: &str, mode: u32) -> Result<(), Problem> {
        let written = || -> std::io::Result<()> {
            let fresh = self.path(&format!(".{name}.new"));
            match std::fs::remove_file(&fresh) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&fresh)?;
            file.set_permissions(std::fs::Permissions::from_mode(mode))?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&fresh, self.path(name))?;
            std::fs::File::open(&self.dir)?.sync_all()
        };
        written().map_err(|error| self.problem(name, format!("can't be written: {error}")))
    }
}

fn at(path: &Path, reason: String) -> Problem {
    Problem { file: Some(path.to_owned()), line: None, reason }
}
