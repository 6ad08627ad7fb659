//! From the XML of an XSD to a [`Schema`]. The shapes KMC makes, and nothing guessed about others.

use super::error::Error;
use super::schema::{Content, Kind, Schema, SchemaField};
use super::tree::Element;
use super::value_type::{self, Builtin, ValueType};
use super::violation::Violation;

/// The namespace of XSD itself.
const XSD: &str = "http://www.w3.org/2001/XMLSchema";
/// Types derived from types, and groups in groups: deeper than any schema, and an end for circles.
const DEPTH_MAX: usize = 16;
/// Fields of one schema, groups counted wherever they are used.
const FIELDS_MAX: usize = 2_000;

/// Reads a schema from its document.
pub fn read(document: &Element) -> Result<Schema, Error> {
    if document.local_name() != "schema" || document.namespace.as_deref() != Some(XSD) {
        return Err(Error::NotASchema { reason: "its root is not xsd:schema" });
    }
    let declared = schema_elements(document, "element");
    let root = declared.iter().find(|element| element.attribute("name") == Some("metadata")).or(declared.first());
    let root = root.ok_or(Error::NotASchema { reason: "it declares no element" })?;
    let mut reader = SchemaReader { document, faults: vec![], fields_seen: 0 };
    let mut root = reader.field(root, 0);
    if document.attribute("targetNamespace").is_some() {
        unjudge(&mut root);
    }
    Ok(Schema { root, faults: reader.faults })
}

struct SchemaReader<'a> {
    document: &'a Element,
    /// Why the schema does not compile, each reason once.
    faults: Vec<Violation>,
    /// Against circles: a group that holds itself many times grows fast.
    fields_seen: usize,
}

/// What a reference to a type leads to.
enum Resolved<'a> {
    Builtin(Builtin),
    Simple(&'a Element),
    Complex(&'a Element),
    Nothing,
}

impl<'a> SchemaReader<'a> {
    fn field(&mut self, element: &Element, depth: usize) -> SchemaField {
        let information = Information::of(element);
        let (kind, content, attributes_judged) = self.what_it_holds(element, depth);
        SchemaField {
            name: element.attribute("name").unwrap_or_default().to_owned(),
            id: element.attribute("id").map(str::to_owned),
            kind,
            min_occurs: element.attribute("minOccurs").and_then(|number| number.parse().ok()).unwrap_or(1),
            max_occurs: max_occurs(element),
            searchable: information.get("searchable").is_some_and(|text| text.trim() == "true"),
            label: information.get("label"),
            key: information.get("key"),
            description: information.get("description"),
            content,
            attributes_judged,
        }
    }

    /// Kind, content, and whether all that is known of attributes is that there are none.
    fn what_it_holds(&mut self, element: &Element, depth: usize) -> (Kind, Content, bool) {
        let special = ["default", "fixed", "nillable", "substitutionGroup", "abstract", "ref"];
        self.fields_seen += 1;
        if depth >= DEPTH_MAX
            || self.fields_seen > FIELDS_MAX
            || special.iter().any(|name| element.attribute(name).is_some())
        {
            return (Kind::Other(String::new()), Content::Unjudged(vec![]), false);
        }
        if let Some(name) = element.attribute("type") {
            return self.named_type(name, element, depth);
        }
        if let Some(simple) = schema_elements(element, "simpleType").first() {
            let (value, base) = self.simple_type(simple, None, depth);
            return (kind_of(&base), Content::Value(value), true);
        }
        match schema_elements(element, "complexType").first() {
            Some(complex) => self.complex_type(complex, "", depth),
            None => (Kind::Other(String::new()), Content::Unjudged(vec![]), false),
        }
    }

    fn named_type(&mut self, name: &str, element: &Element, depth: usize) -> (Kind, Content, bool) {
        let kind = kind_of(name);
        match self.resolve(name) {
            Resolved::Builtin(builtin) => (kind, Content::Value(ValueType::of(builtin)), true),
            Resolved::Simple(simple) => (kind, Content::Value(self.simple_type(simple, Some(name), depth + 1).0), true),
            Resolved::Complex(complex) => {
                let (found, content, judged) = self.complex_type(complex, name, depth + 1);
                (if found == Kind::Group { found } else { kind }, content, judged)
            }
            Resolved::Nothing => {
                let field = element.attribute("name").unwrap_or_default();
                self.unresolved(
                    element,
                    &format!("element decl. '{field}', attribute 'type'"),
                    name,
                    "type definition",
                );
                (kind, Content::Unjudged(vec![]), false)
            }
        }
    }

    /// A simple type and the name of the nearest named type it is made from.
    fn simple_type(&mut self, simple: &Element, name: Option<&str>, depth: usize) -> (ValueType, String) {
        let restriction = schema_elements(simple, "restriction").first().copied();
        let Some((restriction, base)) = restriction.and_then(|it| Some((it, it.attribute("base")?))) else {
            return (ValueType::unjudged(), name.unwrap_or_default().to_owned());
        };
        let component = if name.is_some() { "simple type" } else { "local simple type" };
        let described = name.map_or(component.to_owned(), |name| format!("{component} '{name}'"));
        let mut value = self.base_value(simple, base, &described, depth);
        value.restrict(&facets(restriction));
        value.derive(name);
        (value, name.unwrap_or(base).to_owned())
    }

    fn base_value(&mut self, component: &Element, base: &str, described: &str, depth: usize) -> ValueType {
        if depth >= DEPTH_MAX {
            return ValueType::unjudged();
        }
        match self.resolve(base) {
            Resolved::Builtin(builtin) => ValueType::of(builtin),
            Resolved::Simple(simple) => self.simple_type(simple, Some(base), depth + 1).0,
            Resolved::Complex(complex) => match self.complex_type(complex, base, depth + 1).1 {
                Content::Value(value) => value,
                _ => ValueType::unjudged(),
            },
            Resolved::Nothing => {
                self.unresolved(component, &format!("{described}, attribute 'base'"), base, "simple type definition");
                ValueType::unjudged()
            }
        }
    }

    fn complex_type(&mut self, complex: &Element, name: &str, depth: usize) -> (Kind, Content, bool) {
        let parts: Vec<&Element> = parts(complex).collect();
        let attributes_judged = !parts.iter().any(|part| is_about_attributes(part));
        let body: Vec<&&Element> = parts.iter().filter(|part| !is_about_attributes(part)).collect();
        let mixed = complex.attribute("mixed") == Some("true");
        match (body.as_slice(), mixed) {
            ([body], false) if body.local_name() == "simpleContent" => {
                let (content, judged) = self.simple_content(complex, body, name, depth);
                (kind_of(name), content, attributes_judged && judged)
            }
            ([body], false) if body.local_name() == "sequence" && body.attributes.is_empty() => {
                (Kind::Group, self.sequence(body, depth), attributes_judged)
            }
            ([body], _) => (Kind::Other(name.to_owned()), Content::Unjudged(self.fields_below(body, depth)), false),
            _ => (Kind::Other(name.to_owned()), Content::Unjudged(vec![]), false),
        }
    }

    fn simple_content(&mut self, complex: &Element, body: &Element, name: &str, depth: usize) -> (Content, bool) {
        let derived = parts(body).next();
        let Some((derived, base)) = derived.and_then(|it| Some((it, it.attribute("base")?))) else {
            return (Content::Unjudged(vec![]), false);
        };
        let described =
            if name.is_empty() { "local complex type".to_owned() } else { format!("complex type '{name}'") };
        let mut value = self.base_value(complex, base, &described, depth);
        value.restrict(&facets(derived));
        value.in_complex_type();
        (Content::Value(value), !parts(derived).any(is_about_attributes))
    }

    fn sequence(&mut self, sequence: &Element, depth: usize) -> Content {
        let fields = self.fields_below(sequence, depth);
        let only_named_elements =
            parts(sequence).all(|part| part.local_name() == "element" && part.attribute("name").is_some());
        let names_differ = (1..fields.len()).all(|end| fields[..end].iter().all(|it| it.name != fields[end].name));
        if only_named_elements && names_differ { Content::Sequence(fields) } else { Content::Unjudged(fields) }
    }

    fn fields_below(&mut self, group: &Element, depth: usize) -> Vec<SchemaField> {
        let elements = schema_elements(group, "element");
        let named = elements.iter().filter(|element| element.attribute("name").is_some());
        named.map(|element| self.field(element, depth + 1)).collect()
    }

    fn resolve(&self, name: &str) -> Resolved<'a> {
        match name.strip_prefix(self.prefix()).and_then(value_type::builtin) {
            Some(builtin) => Resolved::Builtin(builtin),
            None => find_type(self.document, name),
        }
    }

    /// XSD's prefix with its colon, as the root has it; empty where XSD is the default namespace.
    fn prefix(&self) -> &'a str {
        self.document.name.strip_suffix("schema").unwrap_or_default()
    }

    fn unresolved(&mut self, element: &Element, component: &str, name: &str, wanted: &str) {
        let prefix = self.prefix();
        let expanded = match name.strip_prefix(prefix) {
            Some(local) if !prefix.is_empty() => format!("{{{XSD}}}{local}"),
            _ => name.to_owned(),
        };
        let message = format!("{component}: The QName value '{expanded}' does not resolve to a(n) {wanted}.");
        let fault = Violation::at(element.line, message);
        let may_come_from_elsewhere = ["include", "import", "redefine"];
        let is_certain = !parts(self.document).any(|part| may_come_from_elsewhere.contains(&part.local_name()));
        if is_certain && !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }
}

fn find_type<'a>(document: &'a Element, name: &str) -> Resolved<'a> {
    let found =
        parts(document).find(|part| part.attribute("name") == Some(name) && part.local_name().ends_with("Type"));
    match found {
        Some(found) if found.local_name() == "simpleType" => Resolved::Simple(found),
        Some(found) => Resolved::Complex(found),
        None => Resolved::Nothing,
    }
}

/// KMC's notes on a field: the elements in its `xsd:appinfo`.
struct Information<'a>(Option<&'a Element>);

impl<'a> Information<'a> {
    fn of(element: &'a Element) -> Self {
        let annotation = schema_elements(element, "annotation").first().copied();
        Self(annotation.and_then(|annotation| schema_elements(annotation, "appinfo").first().copied()))
    }

    fn get(&self, name: &str) -> Option<String> {
        self.0?.elements().find(|element| element.local_name() == name).map(Element::text)
    }
}

fn max_occurs(element: &Element) -> Option<u32> {
    match element.attribute("maxOccurs") {
        Some("unbounded") => None,
        Some(number) => Some(number.parse().unwrap_or(1)),
        None => Some(1),
    }
}

fn kind_of(type_name: &str) -> Kind {
    match type_name {
        "textType" => Kind::Text,
        "listType" => Kind::List,
        "dateType" => Kind::Date,
        "intType" => Kind::Int,
        "objectType" => Kind::Object,
        "userType" => Kind::User,
        "metadataObjectType" => Kind::Metadata,
        other => Kind::Other(other.to_owned()),
    }
}

/// Names and values of the facets in a restriction.
fn facets(restriction: &Element) -> Vec<(&str, &str)> {
    let facets = parts(restriction).filter(|part| !is_about_attributes(part));
    facets.map(|facet| (facet.local_name(), facet.attribute("value").unwrap_or_default())).collect()
}

fn is_about_attributes(element: &Element) -> bool {
    matches!(element.local_name(), "attribute" | "attributeGroup" | "anyAttribute")
}

/// The XSD elements in an element, annotations left out.
fn parts(element: &Element) -> impl Iterator<Item = &Element> {
    element.elements().filter(|part| part.namespace.as_deref() == Some(XSD) && part.local_name() != "annotation")
}

fn schema_elements<'a>(parent: &'a Element, name: &str) -> Vec<&'a Element> {
    let ours = parent.elements().filter(|element| element.namespace.as_deref() == Some(XSD));
    ours.filter(|element| element.local_name() == name).collect()
}

/// A schema for another namespace: its fields are listed, its documents not judged.
fn unjudge(root: &mut SchemaField) {
    root.attributes_judged = false;
    if let Content::Sequence(fields) = &mut root.content {
        root.content = Content::Unjudged(std::mem::take(fields));
    }
}
