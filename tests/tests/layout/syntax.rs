//! What one source file says, as far as the rules of the layout ask: the modules that it declares,
//! the names that it defines, imports and uses, its string literals, and where it is asynchronous.

use proc_macro2::{TokenStream, TokenTree};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// How a path is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mention {
    /// A `use` for this file.
    Import,
    /// A `use` with a visibility, which hands a name on.
    HandedOn,
    /// A path inside of code.
    Code,
}

/// A path that a file names.
#[derive(Clone, Debug)]
pub struct Named {
    /// Its segments.
    pub path: Vec<String>,
    /// Its line, from 1.
    pub line: usize,
    /// How it is written down.
    pub mention: Mention,
}

/// A module, as its file (or the block of `mod name { … }`) has it.
#[derive(Debug, Default)]
pub struct Scope {
    /// The modules whose block stands here.
    pub blocks: Vec<(String, Scope)>,
    /// The modules that have a file of their own, and whether they are compiled for tests alone.
    pub files: Vec<(String, bool)>,
    /// The names that are defined here.
    pub items: Vec<String>,
    /// The macros that `#[macro_export]` puts at the root of the crate.
    pub exported_macros: Vec<String>,
    /// The names that a `use` brings, with their paths.
    pub aliases: Vec<(String, Vec<String>)>,
    /// The paths of which a `use` brings everything.
    pub globs: Vec<Vec<String>>,
    /// Every path that stands here.
    pub named: Vec<Named>,
    /// Every string literal, with its line.
    pub literals: Vec<(String, usize)>,
    /// The lines with `async`.
    pub asynchronous: Vec<usize>,
    /// The lines with `impl Record for`.
    pub records: Vec<usize>,
    /// The line of the first item that is more than a declaration of a module or a `use`.
    pub code: Option<usize>,
}

impl Scope {
    /// What a file says, without what is compiled for tests alone.
    ///
    /// # Errors
    /// The parser's, with its line.
    pub fn read(text: &str) -> Result<Self, String> {
        let file = syn::parse_file(text)
            .map_err(|error| format!("{}: {error}", error.span().start().line))?;
        let mut scope = Self::default();
        scope.add(&file.items);
        Ok(scope)
    }

    fn add(&mut self, items: &[syn::Item]) {
        for item in items {
            self.item(item);
        }
    }

    fn item(&mut self, item: &syn::Item) {
        if let syn::Item::Mod(module) = item {
            let name = module.ident.to_string();
            match &module.content {
                None => self.files.push((name, for_tests(&module.attrs))),
                Some(_) if for_tests(&module.attrs) => {}
                Some((_, items)) => {
                    let mut scope = Self::default();
                    scope.add(items);
                    self.code = self.code.or(scope.code);
                    self.blocks.push((name, scope));
                }
            }
            return;
        }
        if for_tests(attributes(item)) {
            return;
        }
        if !matches!(item, syn::Item::Use(_)) && self.code.is_none() {
            self.code = Some(item.span().start().line);
        }
        if let Some(name) = defined(item) {
            if let syn::Item::Macro(made) = item
                && made.attrs.iter().any(|a| a.path().is_ident("macro_export"))
            {
                self.exported_macros.push(name.clone());
            }
            self.items.push(name);
        }
        self.visit_item(item);
    }

    fn import(&mut self, tree: &syn::UseTree, before: &[String], mention: Mention) {
        let with = |ident: &syn::Ident| {
            let mut path = before.to_vec();
            // `a::{self}` is `a`, but a lone `self` is where a path starts.
            if before.is_empty() || ident != "self" {
                path.push(ident.to_string());
            }
            path
        };
        let (name, path) = match tree {
            syn::UseTree::Path(inner) => {
                return self.import(&inner.tree, &with(&inner.ident), mention);
            }
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(tree, before, mention);
                }
                return;
            }
            syn::UseTree::Glob(_) => (None, before.to_vec()),
            syn::UseTree::Name(name) => {
                let path = with(&name.ident);
                (path.last().cloned(), path)
            }
            syn::UseTree::Rename(name) => (Some(name.rename.to_string()), with(&name.ident)),
        };
        match name {
            Some(name) => self.aliases.push((name, path.clone())),
            None => self.globs.push(path.clone()),
        }
        let line = tree.span().start().line;
        self.named.push(Named {
            path,
            line,
            mention,
        });
    }

    /// A literal; inside of attributes such as `#[serde(with = "crate::…")]` it may be a path.
    fn literal(&mut self, value: String, line: usize) {
        let anchored = ["crate::", "self::", "super::"]
            .iter()
            .any(|start| value.starts_with(start));
        let of_path = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':');
        if anchored && value.chars().all(of_path) {
            let path = value.split("::").map(str::to_owned).collect();
            let mention = Mention::Code;
            self.named.push(Named {
                path,
                line,
                mention,
            });
        }
        self.literals.push((value, line));
    }

    /// The tokens of a macro, which are no syntax tree: paths are names with `::` between them.
    fn tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let is = |index: usize, sign: char| match tokens.get(index) {
            Some(TokenTree::Punct(found)) => found.as_char() == sign,
            _ => false,
        };
        let word = |index: usize| match tokens.get(index) {
            Some(TokenTree::Ident(ident)) => Some(ident.to_string()),
            _ => None,
        };
        let mut at = 0;
        while at < tokens.len() {
            let line = tokens[at].span().start().line;
            match &tokens[at] {
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Literal(literal) => {
                    if let syn::Lit::Str(text) = syn::Lit::new(literal.clone()) {
                        self.literal(text.value(), line);
                    }
                }
                TokenTree::Ident(ident) => {
                    let mut path = vec![ident.to_string()];
                    while is(at + 1, ':')
                        && is(at + 2, ':')
                        && let Some(next) = word(at + 3)
                    {
                        path.push(next);
                        at += 3;
                    }
                    if path == ["async"] {
                        self.asynchronous.push(line);
                    }
                    if path == ["impl"] && word(at + 1).is_some_and(|name| name == "Record") {
                        self.records.push(line);
                    }
                    if path.len() > 1 {
                        let mention = Mention::Code;
                        self.named.push(Named {
                            path,
                            line,
                            mention,
                        });
                    }
                }
                TokenTree::Punct(_) => {}
            }
            at += 1;
        }
    }
}

impl<'ast> Visit<'ast> for Scope {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if !for_tests(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast syn::ImplItem) {
        let attributes = match item {
            syn::ImplItem::Fn(item) => item.attrs.as_slice(),
            syn::ImplItem::Const(item) => item.attrs.as_slice(),
            _ => &[],
        };
        if !for_tests(attributes) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let mention = match item.vis {
            syn::Visibility::Inherited => Mention::Import,
            _ => Mention::HandedOn,
        };
        // `use ::name` is a crate.
        if item.leading_colon.is_none() {
            self.import(&item.tree, &[], mention);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            self.named.push(Named {
                path: path.segments.iter().map(|s| s.ident.to_string()).collect(),
                line: path.span().start().line,
                mention: Mention::Code,
            });
        }
        visit::visit_path(self, path);
    }

    /// `pub(in crate::a)` names nothing.
    fn visit_vis_restricted(&mut self, _: &'ast syn::VisRestricted) {}

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        if !attribute.path().is_ident("doc") {
            visit::visit_attribute(self, attribute);
        }
    }

    fn visit_token_stream(&mut self, tokens: &'ast TokenStream) {
        self.tokens(tokens.clone());
    }

    fn visit_lit_str(&mut self, literal: &'ast syn::LitStr) {
        self.literal(literal.value(), literal.span().start().line);
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        if let Some(word) = signature.asyncness {
            self.asynchronous.push(word.span.start().line);
        }
        visit::visit_signature(self, signature);
    }

    fn visit_expr_async(&mut self, block: &'ast syn::ExprAsync) {
        self.asynchronous.push(block.async_token.span.start().line);
        visit::visit_expr_async(self, block);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if let Some((of, _)) = &item.trait_
            && of.segments.last().is_some_and(|s| s.ident == "Record")
        {
            self.records.push(item.impl_token.span.start().line);
        }
        visit::visit_item_impl(self, item);
    }
}

/// Whether an item is compiled for tests alone: `#[test]`, `#[cfg(test)]`, or the feature by which
/// a crate hands the builders of its tests to others.
fn for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("test")
            || (attribute.path().is_ident("cfg")
                && attribute
                    .parse_args::<syn::Meta>()
                    .is_ok_and(|condition| asks_for_tests(&condition)))
    })
}

fn asks_for_tests(condition: &syn::Meta) -> bool {
    match condition {
        syn::Meta::Path(path) => path.is_ident("test"),
        syn::Meta::List(list) if list.path.is_ident("all") => list
            .parse_args_with(Punctuated::<syn::Meta, syn::Token![,]>::parse_terminated)
            .is_ok_and(|conditions| conditions.iter().any(asks_for_tests)),
        syn::Meta::NameValue(pair) if pair.path.is_ident("feature") => match &pair.value {
            syn::Expr::Lit(syn::ExprLit {
                lit: syn::Lit::Str(name),
                ..
            }) => name.value() == "testing",
            _ => false,
        },
        _ => false,
    }
}

fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Enum(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Macro(item) => &item.attrs,
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Static(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Trait(item) => &item.attrs,
        syn::Item::Type(item) => &item.attrs,
        syn::Item::Union(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn defined(item: &syn::Item) -> Option<String> {
    Some(match item {
        syn::Item::Const(item) => item.ident.to_string(),
        syn::Item::Enum(item) => item.ident.to_string(),
        syn::Item::Fn(item) => item.sig.ident.to_string(),
        syn::Item::Macro(item) => item.ident.as_ref()?.to_string(),
        syn::Item::Static(item) => item.ident.to_string(),
        syn::Item::Struct(item) => item.ident.to_string(),
        syn::Item::Trait(item) => item.ident.to_string(),
        syn::Item::Type(item) => item.ident.to_string(),
        syn::Item::Union(item) => item.ident.to_string(),
        _ => return None,
    })
}
