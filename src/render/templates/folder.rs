//! The operator's directory of templates, read once: what changes there later waits for a reload.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Flaw, Part, Sheet};

/// What lay in a directory when it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Folder {
    dir: PathBuf,
    sheets: Vec<Sheet>,
}

impl Folder {
    /// What lies in `dir`. What is no part of a template is left alone.
    ///
    /// # Errors
    /// The directory, or each file in it, that cannot be read.
    pub fn read(dir: &Path) -> Result<Self, Vec<String>> {
        let entries =
            fs::read_dir(dir).map_err(|error| vec![format!("templates dir {}: {error}", dir.display())])?;
        let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        let (mut sheets, mut problems) = (Vec::new(), Vec::new());
        for path in paths {
            let file = path.file_name().and_then(|name| name.to_str());
            let Some((name, part)) = file.and_then(Part::of).filter(|_| path.is_file()) else { continue };
            match fs::read_to_string(&path) {
                Ok(source) => sheets.push(Sheet { name: name.to_owned(), part, source }),
                Err(error) => problems.push(format!("{}: {error}", path.display())),
            }
        }
        if problems.is_empty() { Ok(Self { dir: dir.to_owned(), sheets }) } else { Err(problems) }
    }

    /// Every part of every template.
    pub fn sheets(&self) -> &[Sheet] {
        &self.sheets
    }

    /// Where the template `name` is: its first file.
    pub fn place(&self, name: &str) -> Option<PathBuf> {
        let sheets = self.sheets.iter().filter(|sheet| sheet.name == name);
        // Its text says most, and every template has one.
        let sheet = sheets.max_by_key(|sheet| sheet.part == Part::Text)?;
        Some(self.file(name, sheet.part))
    }

    /// What is wrong with one of them, and in which file.
    pub fn told(&self, flaw: &Flaw) -> String {
        let Flaw { name, part, what, .. } = flaw;
        part.map_or_else(|| what.clone(), |part| format!("{}: {what}", self.file(name, part).display()))
    }

    /// Where a part of it is, or would be.
    fn file(&self, name: &str, part: Part) -> PathBuf {
        self.dir.join(part.file(name))
    }
}
