//! Which file defines what another names.
//!
//! An **arrow** goes from a file to another whose item it names: by a `use`, or by a path in its
//! code, however it is written (`crate::a::b`, `super::b`, or `b::c` after `use crate::a::b`). It
//! goes to the file that *defines* the item, through all `pub use` on the way. So these are no
//! arrows: `mod name;`, a `pub use` (it hands a name on and uses nothing), and the `use` of a
//! module until something in that module is named. Code that is compiled for tests alone is not
//! read.
//!
//! A macro can define items that its call does not show; what cannot be found in a module is taken
//! for such an item of the module's file.

use std::collections::{BTreeMap, BTreeSet};

use crate::syntax::{Mention, Named, Scope};

/// Files by their paths from the root of the repository.
pub type Sources = BTreeMap<String, String>;

/// One program or library.
#[derive(Debug, Default)]
pub struct Crate {
    /// Its files.
    pub files: Vec<File>,
    modules: Vec<Module>,
}

/// A source file.
#[derive(Debug)]
pub struct File {
    /// Its path from the root of the repository.
    pub path: String,
    /// What it says, and what the blocks of modules in it say.
    pub scopes: Vec<Facts>,
}

/// What the rules ask of a scope that has been read.
#[derive(Debug)]
pub struct Facts {
    /// Its string literals, with their lines.
    pub literals: Vec<(String, usize)>,
    /// The lines with `async`.
    pub asynchronous: Vec<usize>,
    /// The lines with `impl Record for`.
    pub records: Vec<usize>,
    /// The first line with more than declarations of modules and imports.
    pub code: Option<usize>,
}

#[derive(Debug)]
struct Module {
    file: usize,
    parent: Option<usize>,
    children: BTreeMap<String, usize>,
    items: BTreeMap<String, usize>,
    aliases: BTreeMap<String, Vec<String>>,
    globs: Vec<Vec<String>>,
    named: Vec<Named>,
}

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    Module(usize),
    /// The file that defines an item.
    Item(usize),
}

/// That a file names what another one holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrow {
    /// The file that names, by its index.
    pub from: usize,
    /// The file that holds what is named.
    pub to: usize,
    /// The line in the former.
    pub line: usize,
    /// The path as it is written.
    pub path: String,
    /// Whether an item is named there, and not only its module or what is handed on.
    pub item: bool,
}

impl Crate {
    /// Reads a crate from its root file on.
    ///
    /// # Errors
    /// A file that cannot be parsed, or a module without a file.
    pub fn read(sources: &Sources, root: &str) -> Result<Self, String> {
        let mut made = Self::default();
        let folder = root.rsplit_once('/').map_or("", |(folder, _)| folder);
        made.file(sources, root, folder, None)?;
        Ok(made)
    }

    /// `folder` is where the files of its modules stand.
    fn file(
        &mut self,
        sources: &Sources,
        path: &str,
        folder: &str,
        parent: Option<usize>,
    ) -> Result<usize, String> {
        let text = sources
            .get(path)
            .ok_or_else(|| format!("{path}: there is no such file"))?;
        let scope = Scope::read(text).map_err(|error| format!("{path}:{error}"))?;
        let file = self.files.len();
        self.files.push(File {
            path: path.to_owned(),
            scopes: Vec::new(),
        });
        self.module(sources, scope, file, folder, parent)
    }

    fn module(
        &mut self,
        sources: &Sources,
        scope: Scope,
        file: usize,
        folder: &str,
        parent: Option<usize>,
    ) -> Result<usize, String> {
        let index = self.modules.len();
        self.modules.push(Module {
            file,
            parent,
            children: BTreeMap::new(),
            items: scope.items.into_iter().map(|name| (name, file)).collect(),
            aliases: scope.aliases.into_iter().collect(),
            globs: scope.globs,
            named: scope.named,
        });
        for name in scope.exported_macros {
            self.modules[0].items.insert(name, file);
        }
        self.files[file].scopes.push(Facts {
            literals: scope.literals,
            asynchronous: scope.asynchronous,
            records: scope.records,
            code: scope.code,
        });
        for (name, block) in scope.blocks {
            let folder = format!("{folder}/{name}");
            let child = self.module(sources, block, file, &folder, Some(index))?;
            self.modules[index].children.insert(name, child);
        }
        for (name, for_tests) in scope.files {
            if for_tests {
                continue;
            }
            let name = name.trim_start_matches("r#").to_owned();
            let inside = format!("{folder}/{name}");
            let beside = format!("{inside}.rs");
            let path = if sources.contains_key(&beside) {
                beside
            } else {
                format!("{inside}/mod.rs")
            };
            let child = self.file(sources, &path, &inside, Some(index))?;
            self.modules[index].children.insert(name, child);
        }
        Ok(index)
    }

    /// Every arrow, each with the first line that makes it.
    pub fn arrows(&self) -> Vec<Arrow> {
        let mut seen = BTreeMap::new();
        for (index, module) in self.modules.iter().enumerate() {
            for named in &module.named {
                let (to, item) = match self.find(index, &named.path, named.mention) {
                    Some(Target::Item(file)) => (file, named.mention != Mention::HandedOn),
                    // A lone name in code that is a module's is a variable's.
                    Some(Target::Module(found))
                        if named.mention != Mention::Code || named.path.len() > 1 =>
                    {
                        (self.modules[found].file, false)
                    }
                    _ => continue,
                };
                if to == module.file {
                    continue;
                }
                let arrow = Arrow {
                    from: module.file,
                    to,
                    line: named.line,
                    path: named.path.join("::"),
                    item,
                };
                let first = seen
                    .entry((arrow.from, arrow.to, item))
                    .or_insert_with(|| arrow.clone());
                if arrow.line < first.line {
                    *first = arrow;
                }
            }
        }
        seen.into_values().collect()
    }

    fn find(&self, from: usize, path: &[String], mention: Mention) -> Option<Target> {
        self.walk(from, path, mention != Mention::Code, 0)
    }

    /// `modules` says whether a last name that is a module's and an item's means the module.
    fn walk(&self, from: usize, path: &[String], modules: bool, depth: usize) -> Option<Target> {
        let mut module = from;
        let mut rest = path;
        while let Some((first, after)) = rest.split_first() {
            module = match first.as_str() {
                "crate" => 0,
                "self" => module,
                "super" => self.modules[module].parent?,
                _ => break,
            };
            rest = after;
        }
        let anchored = rest.len() < path.len();
        self.descend(module, rest, modules, depth, anchored)
    }

    fn descend(
        &self,
        module: usize,
        path: &[String],
        modules: bool,
        depth: usize,
        sure: bool,
    ) -> Option<Target> {
        let here = &self.modules[module];
        let Some((name, rest)) = path.split_first() else {
            return Some(Target::Module(module));
        };
        // An alias that leads to itself.
        if depth > 32 {
            return None;
        }
        let item = here.items.get(name).copied().map(Target::Item);
        if rest.is_empty() && !modules && item.is_some() {
            return item;
        }
        if let Some(child) = here.children.get(name) {
            return self.descend(*child, rest, modules, depth + 1, true);
        }
        if item.is_some() {
            return item;
        }
        if let Some(alias) = here.aliases.get(name)
            && alias != path
        {
            let keep_modules = modules || !rest.is_empty();
            return match self.walk(module, alias, keep_modules, depth + 1)? {
                Target::Module(found) => self.descend(found, rest, modules, depth + 1, true),
                found => Some(found),
            };
        }
        for glob in &here.globs {
            if let Some(Target::Module(found)) = self.walk(module, glob, true, depth + 1)
                && found != module
                && let Some(target) = self.descend(found, path, modules, depth + 1, false)
            {
                return Some(target);
            }
        }
        sure.then_some(Target::Item(here.file))
    }
}

/// Groups of files that lead to each other by arrows that name items: circles.
pub fn circles(files: usize, arrows: &[Arrow]) -> Vec<BTreeSet<usize>> {
    let mut next = vec![BTreeSet::new(); files];
    for arrow in arrows.iter().filter(|arrow| arrow.item) {
        next[arrow.from].insert(arrow.to);
    }
    let reached: Vec<BTreeSet<usize>> = (0..files)
        .map(|start| {
            let mut reached = BTreeSet::new();
            let mut open = vec![start];
            while let Some(file) = open.pop() {
                open.extend(next[file].iter().filter(|to| reached.insert(**to)));
            }
            reached
        })
        .collect();
    let mut found: Vec<BTreeSet<usize>> = Vec::new();
    for file in 0..files {
        if reached[file].contains(&file) && !found.iter().any(|circle| circle.contains(&file)) {
            let mutual = |other: &&usize| reached[**other].contains(&file);
            found.push(reached[file].iter().filter(mutual).copied().collect());
        }
    }
    found
}
