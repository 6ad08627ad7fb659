//! The stub of the recorded runs had no schemas, Kaltura always has one. Each scenario gets the strictest of three that its
//! documents follow before anything is written: what the console makes (fields in order, each a text once, the sync field a
//! list); the same order with anything in any field; anything in any order.

use kaltura_mirror::metadata_xml::document::Document;
use kaltura_mirror::metadata_xml::schema::Schema;

const ANY_ATTRIBUTE: &str = r#"<xsd:anyAttribute processContents="skip"/>"#;

/// A schema with the sync field that these documents follow.
pub fn fitting(documents: &[String], sync_field: &str, choices: &[String]) -> String {
    let names = fields_in_order(documents, sync_field);
    let strict = [as_the_console(&names, sync_field, choices), in_order(&names)];
    let follows = |xsd: &String| {
        let schema = Schema::parse(xsd).unwrap();
        documents.iter().all(|xml| schema.validate(xml).is_ok())
    };
    strict.into_iter().find(follows).unwrap_or_else(|| anything(&names))
}

/// The fields as they occur; the sync field last when none has it.
fn fields_in_order(documents: &[String], sync_field: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let parsed = documents.iter().filter_map(|xml| Document::parse(xml).ok());
    let occurring = parsed.flat_map(|document| document.fields()).map(|(path, _)| path);
    for path in occurring.chain([sync_field.to_owned()]) {
        let name = path.split('/').next().unwrap_or_default().to_owned();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn as_the_console(names: &[String], sync_field: &str, choices: &[String]) -> String {
    let field = |name: &String| {
        let occurs = format!(r#"<xsd:element name="{name}" minOccurs="0" maxOccurs="1""#);
        if name != sync_field {
            return format!(r#"{occurs} type="textType"/>"#);
        }
        let choices: String =
            choices.iter().map(|value| format!(r#"<xsd:enumeration value="{}"/>"#, escaped(value))).collect();
        format!(
            r#"{occurs}><xsd:simpleType><xsd:restriction base="listType">{choices}</xsd:restriction></xsd:simpleType></xsd:element>"#
        )
    };
    schema(&format!("<xsd:sequence>{}</xsd:sequence>", names.iter().map(field).collect::<String>()))
}

fn in_order(names: &[String]) -> String {
    let fields: String = names.iter().map(open_field).collect();
    schema(&format!("<xsd:sequence>{fields}</xsd:sequence>{ANY_ATTRIBUTE}"))
}

fn anything(names: &[String]) -> String {
    let fields: String = names.iter().map(open_field).collect();
    schema(&format!(r#"<xsd:choice minOccurs="0" maxOccurs="unbounded">{fields}</xsd:choice>{ANY_ATTRIBUTE}"#))
}

fn open_field(name: &String) -> String {
    format!(
        r#"<xsd:element name="{name}" minOccurs="0" maxOccurs="unbounded"><xsd:complexType mixed="true"><xsd:sequence>
        <xsd:any processContents="skip" minOccurs="0" maxOccurs="unbounded"/></xsd:sequence>{ANY_ATTRIBUTE}</xsd:complexType></xsd:element>"#
    )
}

fn schema(content: &str) -> String {
    format!(
        r#"<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema"><xsd:element name="metadata"><xsd:complexType>{content}</xsd:complexType></xsd:element>
        <xsd:complexType name="textType"><xsd:simpleContent><xsd:extension base="xsd:string"/></xsd:simpleContent></xsd:complexType>
        <xsd:simpleType name="listType"><xsd:restriction base="xsd:string"/></xsd:simpleType></xsd:schema>"#
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}
