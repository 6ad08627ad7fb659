//! Which namespace a prefix stands for, element by element.

use super::error::{Error, Flaw};
use super::syntax;
use super::tree::Attribute;

/// Declarations in force at once, more than any schema has.
const DECLARATIONS_MAX: usize = 64;
/// What the prefix `xml` always stands for.
const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// The declarations in force, innermost last.
#[derive(Default)]
pub struct Namespaces {
    declared: Vec<Declaration>,
    depth: usize,
}

struct Declaration {
    depth: usize,
    prefix: String,
    namespace: String,
}

impl Namespaces {
    /// Enters an element: takes over what its attributes declare.
    pub fn open(&mut self, attributes: &[(String, String)]) -> Result<(), Error> {
        self.depth += 1;
        for (name, value) in attributes {
            let Some(prefix) = declared_prefix(name) else { continue };
            if self.declared.len() == DECLARATIONS_MAX {
                return Err(Error::TooLarge { what: "namespace declarations", limit: DECLARATIONS_MAX });
            }
            let (prefix, namespace) = (prefix.to_owned(), value.clone());
            self.declared.push(Declaration { depth: self.depth, prefix, namespace });
        }
        Ok(())
    }

    /// Leaves the element entered last.
    pub fn close(&mut self) {
        let depth = self.depth;
        self.declared.retain(|declaration| declaration.depth < depth);
        self.depth -= 1;
    }

    /// The namespaces of an element's name and of its attributes, declarations left out.
    pub fn resolve(
        &self,
        name: &str,
        attributes: &[(String, String)],
    ) -> Result<(Option<String>, Vec<Attribute>), Flaw> {
        let mut resolved = Vec::with_capacity(attributes.len());
        for (name, value) in attributes.iter().filter(|(name, _)| declared_prefix(name).is_none()) {
            let namespace = if name.contains(':') { self.find(name)? } else { None };
            resolved.push(Attribute { name: name.clone(), namespace, value: value.clone() });
        }
        Ok((self.find(name)?, resolved))
    }

    /// The namespace of a name; without a prefix, the default one.
    fn find(&self, name: &str) -> Result<Option<String>, Flaw> {
        let prefix = name.split_once(':').map_or("", |(prefix, _)| prefix);
        let declaration = self.declared.iter().rev().find(|declaration| declaration.prefix == prefix);
        match (prefix, declaration) {
            ("xml", _) => Ok(Some(XML.to_owned())),
            ("", None) => Ok(None),
            ("", Some(declaration)) => {
                Ok(Some(&declaration.namespace).filter(|namespace| !namespace.is_empty()).cloned())
            }
            (_, Some(declaration)) if !declaration.namespace.is_empty() => Ok(Some(declaration.namespace.clone())),
            _ => Err(Flaw::Prefix(prefix.to_owned(), syntax::local_name(name).to_owned())),
        }
    }
}

/// The prefix an attribute declares: empty for `xmlns` itself.
fn declared_prefix(name: &str) -> Option<&str> {
    if name == "xmlns" { Some("") } else { name.strip_prefix("xmlns:") }
}
