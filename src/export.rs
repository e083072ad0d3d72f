//! Results as files: tried before the run, written whole after it or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::kernel;
use crate::render::{FILE_FORMATS, FileFormat, Results};

/// A file that is to take the results, in the format that its ending names.
#[derive(Clone)]
pub struct Target {
    path: PathBuf,
    format: FileFormat,
}

impl Target {
    /// The target at `path`.
    ///
    /// # Errors
    /// A sentence for the user, when the ending names no format.
    pub fn new(path: PathBuf) -> Result<Target, String> {
        let ending = path.extension().unwrap_or_default();
        let found = FILE_FORMATS.iter().find(|(known, _)| ending.eq_ignore_ascii_case(known));
        let (_, format) = found.ok_or_else(|| format!("the ending names the format: {}", endings()))?;
        Ok(Target { path, format: *format })
    }

    /// The same for all ways of writing the path.
    fn place(&self) -> PathBuf {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let whole = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        whole.join(self.path.file_name().unwrap_or_default())
    }
}

/// The endings of all formats, as help and errors name them.
pub fn endings() -> String {
    FILE_FORMATS.iter().map(|(ending, _)| format!(".{ending}")).collect::<Vec<_>>().join(" ")
}

/// Files that could be written when the command began.
pub struct Export {
    targets: Vec<Target>,
    force: bool,
}

impl Export {
    /// Tries every target, so that a run is not for nothing. Nothing stays behind, whatever ends the run.
    ///
    /// # Errors
    /// A sentence for the user: a file is there and `force` was not given, or none can be created there.
    pub fn open(targets: Vec<Target>, force: bool) -> Result<Export, String> {
        for (number, target) in targets.iter().enumerate() {
            let path = &target.path;
            let refused = |why: &str| Err(format!("cannot write {}: {why}", path.display()));
            if path.to_string_lossy().ends_with(std::path::is_separator) {
                return refused("it ends as a folder does");
            }
            match fs::symlink_metadata(path) {
                Ok(there) if !there.is_file() => return refused("something is there that is not a plain file"),
                Ok(_) if !force => return refused("it is there already; --force replaces it"),
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(path, &error)),
                Ok(_) | Err(_) => {}
            }
            let draft = || Draft::beside(path, number).map(|_| target.place());
            let place = kernel::without_signals(draft).map_err(|error| failed(path, &error))?;
            if targets[..number].iter().any(|other| other.place() == place) {
                return refused("it is named twice");
            }
        }
        Ok(Export { targets, force })
    }

    /// Writes every target.
    ///
    /// # Errors
    /// A sentence for the user; then no target was written in part, and on a full disk none at all.
    pub fn write(&self, results: &Results<'_>) -> Result<(), String> {
        let contents: Vec<Vec<u8>> = self.targets.iter().map(|target| (target.format)(results)).collect();
        kernel::without_signals(|| self.write_down(&contents))
    }

    fn write_down(&self, contents: &[Vec<u8>]) -> Result<(), String> {
        let mut drafts = Vec::new();
        for (number, (Target { path, .. }, content)) in self.targets.iter().zip(contents).enumerate() {
            let (draft, mut file) = Draft::beside(path, number).map_err(|error| failed(path, &error))?;
            drafts.push(draft);
            file.write_all(content).map_err(|error| failed(path, &error))?;
        }
        for (draft, Target { path, .. }) in drafts.iter().zip(&self.targets) {
            draft.publish(path, self.force).map_err(|error| failed(path, &error))?;
        }
        Ok(())
    }
}

fn failed(path: &Path, error: &io::Error) -> String {
    format!("cannot write {}: {error}", path.display())
}

/// A file in the same folder that takes the target's name once it is complete, and is removed otherwise.
struct Draft {
    path: PathBuf,
}

impl Draft {
    fn beside(target: &Path, number: usize) -> io::Result<(Draft, File)> {
        let path = target.with_file_name(format!(".udp-lab-{}-{number}.tmp", std::process::id()));
        let file = File::create_new(&path)?;
        Ok((Draft { path }, file))
    }

    /// Renaming replaces whatever has the name by then. So the name is taken first, by an empty file that the system
    /// creates for one asker only. A hard link would do both at once, but memory sticks know none.
    fn publish(&self, target: &Path, force: bool) -> io::Result<()> {
        if force {
            return fs::rename(&self.path, target);
        }
        File::create_new(target)?;
        fs::rename(&self.path, target).inspect_err(|_| drop(fs::remove_file(target)))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Once it is published there is nothing left to remove.
        let _ = fs::remove_file(&self.path);
    }
}
