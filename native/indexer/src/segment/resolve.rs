//! From what an import says to the file it most likely means.

use std::collections::HashMap;

use crate::lexer::family::Family;
use crate::segment::format::Target;

/// Finds the targets of imports among the files of one tree.
pub(crate) struct Resolver<'p> {
    paths: &'p [&'p str],
    folders: &'p [&'p str],
    /// Files by their name without extension, and by their folder's name if they stand for it.
    by_stem: HashMap<&'p str, Vec<u32>>,
    folders_by_name: HashMap<&'p str, Vec<u32>>,
    /// What the files of a language found for a name that means the same everywhere.
    known: HashMap<(Family, String), Vec<Target>>,
}

/// More files than this behind one name say nothing.
const CANDIDATES_MAX: usize = 200;

/// File names that stand for the folder they lie in.
const FOLDER_STEMS: [&str; 4] = ["__init__", "index", "mod", "init"];

impl<'p> Resolver<'p> {
    /// The paths of all files, and of all folders, both in order.
    pub fn new(paths: &'p [&'p str], folders: &'p [&'p str]) -> Self {
        let mut by_stem: HashMap<&str, Vec<u32>> = HashMap::with_capacity(paths.len());
        for (file, path) in (0..).zip(paths) {
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
            let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
            by_stem.entry(stem).or_default().push(file);
            if FOLDER_STEMS.contains(&stem) && !folder.is_empty() {
                by_stem.entry(last(folder, '/')).or_default().push(file);
            }
        }
        let mut folders_by_name: HashMap<&str, Vec<u32>> = HashMap::with_capacity(folders.len());
        for (folder, path) in (0..).zip(folders) {
            folders_by_name.entry(last(path, '/')).or_default().push(folder);
        }
        Self { paths, folders, by_stem, folders_by_name, known: HashMap::new() }
    }

    /// What `import`, as it is written in `file`, means.
    pub fn resolve(&mut self, file: u32, import: &str) -> Vec<Target> {
        let path = self.paths[file as usize];
        let family = Family::of(path);
        let relative = import.starts_with('.')
            || matches!(
                family,
                Family::C | Family::Ruby | Family::Shell | Family::Style | Family::Php | Family::Proto
            )
            || (family == Family::Rust && ["crate", "self", "super"].contains(&first(import, "::")));
        if relative {
            if let Some(target) = self.relative(family, path, import) {
                return vec![Target::File(target)];
            }
        }
        let key = (family, import.to_owned());
        if !self.known.contains_key(&key) {
            let all = self.anywhere(family, import);
            self.known.insert(key.clone(), all);
        }
        let all = &self.known[&key];
        // Of several, the one that lies nearest.
        let near = |target: &Target| match target {
            Target::File(other) => common(path, self.paths[*other as usize]),
            Target::Folder(other) => common(path, self.folders[*other as usize]),
        };
        let best = all
            .iter()
            .filter(|target| **target != Target::File(file))
            .rev()
            .max_by_key(|target| near(target));
        best.into_iter().copied().collect()
    }

    fn find(&self, path: &str) -> Option<u32> {
        let at = self.paths.binary_search(&path).ok()?;
        u32::try_from(at).ok()
    }

    fn first_of(&self, base: &str, ends: &[&str]) -> Option<u32> {
        ends.iter().find_map(|end| self.find(&format!("{base}{end}")))
    }

    /// An import that is read from the importing file's own folder.
    fn relative(&self, family: Family, path: &str, import: &str) -> Option<u32> {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        match family {
            Family::Python => self.python(folder, import),
            Family::Rust => self.rust(folder, path, import),
            Family::Style => {
                let base = normal(folder, import)?;
                let partial = join(parent(&base), &format!("_{}", last(&base, '/')));
                self.first_of(&base, &["", ".scss", ".css", ".less"])
                    .or_else(|| self.first_of(&partial, &[".scss", ""]))
            }
            _ => {
                let base = normal(folder, import)?;
                let ends = match family {
                    Family::Ruby => ["", ".rb", "", "", "", "", "", "", "", "", ""],
                    Family::Script => [
                        "",
                        ".ts",
                        ".tsx",
                        ".js",
                        ".jsx",
                        ".mjs",
                        ".vue",
                        "/index.ts",
                        "/index.tsx",
                        "/index.js",
                        ".d.ts",
                    ],
                    _ => [""; 11],
                };
                let plain = self.first_of(&base, &ends);
                // TypeScript imports `./a.js` and means `a.ts`.
                plain.or_else(|| self.first_of(base.strip_suffix(".js")?, &[".ts", ".tsx"]))
            }
        }
    }

    /// `.a.b:name`, by the dots before it.
    fn python(&self, folder: &str, import: &str) -> Option<u32> {
        let (module, name) = import.split_once(':').unwrap_or((import, ""));
        let rest = module.trim_start_matches('.');
        let mut base = folder;
        for _ in 1..module.len() - rest.len() {
            base = parent(base);
        }
        let base = join(base, &rest.replace('.', "/"));
        let base = if name.is_empty() { base } else { join(&base, name) };
        self.first_of(&base, &[".py", "/__init__.py", ".pyi"])
    }

    /// `crate::a`, `super::a`, `self::a`: the longest part of it that is a file.
    fn rust(&self, folder: &str, path: &str, import: &str) -> Option<u32> {
        let stem = last(path, '/').trim_end_matches(".rs");
        let here = match stem {
            "mod" | "lib" | "main" => folder.to_owned(),
            _ => join(folder, stem),
        };
        let mut base = here;
        let mut parts: Vec<&str> = import.split("::").collect();
        while let Some(part) = parts.first() {
            match *part {
                "self" => {}
                "super" => base = parent(&base).to_owned(),
                "crate" => {
                    base = path.rfind("src/").map_or(String::new(), |at| path[..at + 3].to_owned());
                }
                _ => break,
            }
            parts.remove(0);
        }
        while !parts.is_empty() {
            let target = join(&base, &parts.join("/"));
            if let Some(found) = self.first_of(&target, &[".rs", "/mod.rs"]) {
                return Some(found);
            }
            parts.pop();
        }
        None
    }

    /// An import that means the same in all files.
    fn anywhere(&self, family: Family, import: &str) -> Vec<Target> {
        match family {
            Family::Python => {
                let (module, name) = import.split_once(':').unwrap_or((import, ""));
                let module = module.trim_start_matches('.').replace('.', "/");
                let path = if name.is_empty() { module } else { format!("{module}/{name}") };
                self.ending(&path, &["py", "pyi"])
            }
            Family::Go => self.go(import),
            Family::Java | Family::Kotlin => {
                let path = import.replace('.', "/");
                let extensions = ["java", "kt", "scala", "groovy"];
                let found = self.ending(&path, &extensions);
                // A member of a class, or a nested class.
                if found.is_empty() { self.ending(parent(&path), &extensions) } else { found }
            }
            Family::CSharp => self.folder_ending(&import.replace('.', "/")),
            Family::Rust => {
                let parts: Vec<&str> = import.split("::").collect();
                let Some((name, inner)) = parts.split_first().filter(|_| !import.starts_with("std::")) else {
                    return Vec::new();
                };
                // Another crate of the tree: its folder has its name.
                let of_crate = |target: &Target| match target {
                    Target::File(file) => {
                        self.paths[*file as usize].split('/').any(|part| part.replace('-', "_") == *name)
                    }
                    Target::Folder(_) => false,
                };
                (1..=inner.len())
                    .rev()
                    .map(|length| self.ending(&inner[..length].join("/"), &["rs"]))
                    .map(|found| found.into_iter().filter(of_crate).collect::<Vec<_>>())
                    .find(|found| !found.is_empty())
                    .unwrap_or_default()
            }
            Family::Php => self.shortened(&import.replace('\\', "/"), &["php"], 2),
            Family::Ruby => self.ending(import.trim_end_matches(".rb"), &["rb"]),
            Family::Lua => self.ending(&import.replace('.', "/"), &["lua"]),
            Family::C | Family::Proto => self.with_name(import),
            Family::Script => {
                let path = import.trim_start_matches(['@', '~', '/']);
                if !path.contains('/') {
                    return Vec::new();
                }
                self.shortened(path, &["ts", "tsx", "js", "jsx", "vue", "mjs"], 1)
            }
            _ => Vec::new(),
        }
    }

    /// Files whose path without extension ends with `end`, or lies in it and stands for it.
    fn ending(&self, end: &str, extensions: &[&str]) -> Vec<Target> {
        let Some(candidates) = self.by_stem.get(last(end, '/')).filter(|all| all.len() <= CANDIDATES_MAX)
        else {
            return Vec::new();
        };
        let fits = |file: &&u32| {
            let path = self.paths[**file as usize];
            let Some((stem, extension)) = path.rsplit_once('.') else {
                return false;
            };
            let folder = || FOLDER_STEMS.contains(&last(stem, '/')) && ends_with(parent(stem), end);
            extensions.contains(&extension) && (ends_with(stem, end) || folder())
        };
        candidates.iter().filter(fits).map(|file| Target::File(*file)).collect()
    }

    /// The same, with the first components left out until something is found, down to so many.
    fn shortened(&self, path: &str, extensions: &[&str], least: usize) -> Vec<Target> {
        let mut rest = path;
        loop {
            let found = self.ending(rest, extensions);
            if !found.is_empty() {
                return found;
            }
            match rest.split_once('/') {
                Some((_, shorter)) if shorter.split('/').count() >= least => rest = shorter,
                _ => return Vec::new(),
            }
        }
    }

    /// Files whose path ends with a path that has an extension.
    fn with_name(&self, end: &str) -> Vec<Target> {
        let name = last(end, '/');
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        let Some(candidates) = self.by_stem.get(stem).filter(|all| all.len() <= CANDIDATES_MAX) else {
            return Vec::new();
        };
        let fits = |file: &&u32| ends_with(self.paths[**file as usize], end);
        candidates.iter().filter(fits).map(|file| Target::File(*file)).collect()
    }

    fn folder_ending(&self, end: &str) -> Vec<Target> {
        let Some(candidates) = self.folders_by_name.get(last(end, '/')) else {
            return Vec::new();
        };
        let fits = |folder: &&u32| ends_with(self.folders[**folder as usize], end);
        candidates.iter().filter(fits).map(|folder| Target::Folder(*folder)).collect()
    }

    /// A Go package is a folder: beneath `vendor` or the like it ends with the whole import path; in the module
    /// itself it is what is left of the path after the module's name.
    fn go(&self, import: &str) -> Vec<Target> {
        let whole = self.folder_ending(import);
        if !whole.is_empty() {
            return whole;
        }
        let mut rest = import;
        while let Some((_, shorter)) = rest.split_once('/') {
            rest = shorter;
            if let Ok(at) = self.folders.binary_search(&rest) {
                return u32::try_from(at).map(Target::Folder).into_iter().collect();
            }
        }
        Vec::new()
    }
}

fn last(text: &str, separator: char) -> &str {
    text.rsplit(separator).next().unwrap_or(text)
}

fn first<'t>(text: &'t str, separator: &str) -> &'t str {
    text.split(separator).next().unwrap_or(text)
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

fn join(folder: &str, rest: &str) -> String {
    match (folder, rest) {
        ("", _) => rest.to_owned(),
        (_, "") => folder.to_owned(),
        _ => format!("{folder}/{rest}"),
    }
}

/// `path` read from `folder`, without `.` and `..`; `None` if it leaves the root.
fn normal(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            _ => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn ends_with(path: &str, end: &str) -> bool {
    path.strip_suffix(end).is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

/// How many first folders two paths share.
fn common(one: &str, other: &str) -> usize {
    one.split('/').zip(other.split('/')).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(paths: &[&str], from: &str, import: &str) -> Vec<String> {
        let mut paths = paths.to_vec();
        paths.sort_unstable();
        let mut folders: Vec<&str> =
            paths.iter().flat_map(|path| path.match_indices('/').map(|(at, _)| &path[..at])).collect();
        folders.push("");
        folders.sort_unstable();
        folders.dedup();
        let file = u32::try_from(paths.binary_search(&from).unwrap()).unwrap();
        let targets = Resolver::new(&paths, &folders).resolve(file, import);
        let name = |target| match target {
            Target::File(file) => paths[file as usize].to_owned(),
            Target::Folder(folder) => format!("{}/", folders[folder as usize]),
        };
        targets.into_iter().map(name).collect()
    }

    #[test]
    fn each_language_has_its_way() {
        let cases: &[(&str, &str, &[&str], &str)] = &[
            ("a/b.py", ".c", &["a/c.py"], "a/c.py"),
            ("a/b.py", "..c", &["c.py"], "c.py"),
            ("a/b.py", ".:c", &["a/c.py", "a/__init__.py"], "a/c.py"),
            ("a/b.py", "pkg.mod", &["src/pkg/mod/__init__.py"], "src/pkg/mod/__init__.py"),
            ("a/b.py", "pkg:mod", &["src/pkg/mod.py"], "src/pkg/mod.py"),
            ("a/b.go", "example.com/m/pkg/api", &["pkg/api/x.go"], "pkg/api/"),
            ("a/b.go", "k8s.io/api/v1", &["vendor/k8s.io/api/v1/x.go", "v1/y.go"], "vendor/k8s.io/api/v1/"),
            ("a/b.ts", "./c", &["a/c/index.ts"], "a/c/index.ts"),
            ("a/b.ts", "../c.js", &["c.ts"], "c.ts"),
            ("a/b.ts", "@/store/user", &["src/store/user.ts"], "src/store/user.ts"),
            ("x/src/a.rs", "crate::b::Item", &["x/src/b.rs", "y/src/b.rs"], "x/src/b.rs"),
            ("x/src/a/mod.rs", "super::c::d", &["x/src/c/mod.rs"], "x/src/c/mod.rs"),
            ("x/src/a.rs", "my_y::b::Item", &["my-y/src/b.rs", "z/src/b.rs"], "my-y/src/b.rs"),
            ("a/b.c", "c.h", &["a/c.h", "c.h"], "a/c.h"),
            ("a/b.c", "inc/c.h", &["z/inc/c.h"], "z/inc/c.h"),
            ("A.java", "org.x.B", &["src/org/x/B.java"], "src/org/x/B.java"),
            ("A.java", "org.x.B.member", &["src/org/x/B.java"], "src/org/x/B.java"),
            ("a.rb", "x/y", &["lib/x/y.rb"], "lib/x/y.rb"),
            ("a.php", "App\\Models\\User", &["src/Models/User.php"], "src/Models/User.php"),
            ("a.lua", "x.y", &["lua/x/y.lua"], "lua/x/y.lua"),
        ];
        for (from, import, others, expected) in cases {
            let mut paths = others.to_vec();
            paths.push(from);
            assert_eq!(resolved(&paths, from, import), [*expected], "{from} {import}");
        }
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        assert!(resolved(&["a.py", "b.py"], "a.py", "os.path").is_empty());
        assert!(resolved(&["a.ts"], "a.ts", "../../x").is_empty());
        assert!(resolved(&["src/a.rs", "src/io.rs"], "src/a.rs", "std::io").is_empty());
        assert!(resolved(&["a.py"], "a.py", "a").is_empty());
    }
}
