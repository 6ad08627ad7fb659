//! What characters a field may hold: XSD's simple types, as far as metadata schemas use them.

/// Types of XSD that are judged, and all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Builtin {
    /// Any text.
    Text,
    /// Whole numbers of a range, with the type's name.
    Integer(&'static str, i128, i128),
    /// `true`, `false`, `1`, `0`.
    Boolean,
    /// Digits with at most one point.
    Decimal,
    /// Known to XSD, not judged here.
    Unjudged,
}

/// Beyond any number that fits a metadata document's purpose.
const BIG: i128 = i128::MAX;

/// The built-in type of a name (without prefix).
pub fn builtin(name: &str) -> Option<Builtin> {
    Some(match name {
        "string" | "normalizedString" | "token" | "anyURI" | "anySimpleType" => Builtin::Text,
        "integer" => Builtin::Integer("integer", -BIG, BIG),
        "long" => Builtin::Integer("long", i64::MIN as i128, i64::MAX as i128),
        "int" => Builtin::Integer("int", i32::MIN as i128, i32::MAX as i128),
        "short" => Builtin::Integer("short", i16::MIN as i128, i16::MAX as i128),
        "byte" => Builtin::Integer("byte", i8::MIN as i128, i8::MAX as i128),
        "nonNegativeInteger" => Builtin::Integer("nonNegativeInteger", 0, BIG),
        "positiveInteger" => Builtin::Integer("positiveInteger", 1, BIG),
        "unsignedLong" => Builtin::Integer("unsignedLong", 0, u64::MAX as i128),
        "unsignedInt" => Builtin::Integer("unsignedInt", 0, u32::MAX as i128),
        "unsignedShort" => Builtin::Integer("unsignedShort", 0, u16::MAX as i128),
        "boolean" => Builtin::Boolean,
        "decimal" => Builtin::Decimal,
        "float" | "double" | "date" | "dateTime" | "time" | "duration" | "gYear" | "gYearMonth" | "gMonth"
        | "gMonthDay" | "gDay" | "language" | "Name" | "NCName" | "NMTOKEN" | "ID" | "hexBinary" | "base64Binary"
        | "negativeInteger" | "nonPositiveInteger" | "unsignedByte" | "QName" | "anyType" => Builtin::Unjudged,
        _ => return None,
    })
}

/// A built-in type with the limits a schema adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueType {
    base: Builtin,
    choices: Vec<String>,
    length_min: usize,
    length_max: usize,
    /// What libxml2 calls the type in its messages.
    called: String,
    in_complex_type: bool,
}

impl ValueType {
    /// The built-in type itself.
    pub fn of(base: Builtin) -> Self {
        let name = match base {
            Builtin::Integer(name, ..) => name,
            Builtin::Boolean => "boolean",
            Builtin::Decimal => "decimal",
            Builtin::Text | Builtin::Unjudged => "string",
        };
        let called = format!("the atomic type 'xs:{name}'");
        Self { base, choices: vec![], length_min: 0, length_max: usize::MAX, called, in_complex_type: false }
    }

    /// A type we say nothing about.
    pub fn unjudged() -> Self {
        Self::of(Builtin::Unjudged)
    }

    /// Adds the facets of a restriction, as names and values; one we do not know makes the type unjudged.
    pub fn restrict(&mut self, facets: &[(&str, &str)]) {
        let choices: Vec<String> =
            facets.iter().filter(|(name, _)| *name == "enumeration").map(|(_, value)| (*value).to_owned()).collect();
        if !choices.is_empty() {
            self.choices = choices;
        }
        for (name, value) in facets {
            match (*name, value.parse()) {
                ("enumeration", _) => {}
                ("whiteSpace", _) if *value == "preserve" => {}
                ("minLength", Ok(length)) => self.length_min = length,
                ("maxLength", Ok(length)) => self.length_max = length,
                _ => self.base = Builtin::Unjudged,
            }
        }
    }

    /// Says that the type is a schema's own, named or not.
    pub fn derive(&mut self, name: Option<&str>) {
        self.called = match name {
            Some(name) => format!("the atomic type '{name}'"),
            None => "the local atomic type".to_owned(),
        };
    }

    /// Says that the value stands in a complex type (one that could have attributes).
    pub fn in_complex_type(&mut self) {
        self.in_complex_type = true;
    }

    /// The only values; empty when any will do.
    pub fn choices(&self) -> &[String] {
        &self.choices
    }

    /// Whether it is the content of a complex type.
    pub fn is_in_complex_type(&self) -> bool {
        self.in_complex_type
    }

    /// What libxml2 says against a value, without the element's name; none when it is fine.
    pub fn complaint(&self, value: &str) -> Option<String> {
        if !self.base.admits(value) {
            return Some(format!("'{value}' is not a valid value of {}.", self.called));
        }
        if !self.choices.is_empty() && !self.choices.iter().any(|choice| choice == value) {
            let choices: Vec<String> = self.choices.iter().map(|choice| format!("'{choice}'")).collect();
            let set = choices.join(", ");
            return Some(format!("[facet 'enumeration'] The value '{value}' is not an element of the set {{{set}}}."));
        }
        self.length_complaint(value.chars().count())
    }

    fn length_complaint(&self, length: usize) -> Option<String> {
        let Self { length_min: min, length_max: max, .. } = self;
        if length < *min {
            let words = format!("this underruns the allowed minimum length of '{min}'.");
            return Some(format!("[facet 'minLength'] The value has a length of '{length}'; {words}"));
        }
        if length > *max {
            let words = format!("this exceeds the allowed maximum length of '{max}'.");
            return Some(format!("[facet 'maxLength'] The value has a length of '{length}'; {words}"));
        }
        None
    }
}

impl Builtin {
    fn admits(self, value: &str) -> bool {
        match self {
            Self::Text | Self::Unjudged => true,
            Self::Integer(_, min, max) => integer(value).is_some_and(|number| (min..=max).contains(&number)),
            Self::Boolean => matches!(value, "true" | "false" | "1" | "0"),
            Self::Decimal => {
                let digits = value.strip_prefix(['+', '-']).unwrap_or(value).replacen('.', "", 1);
                !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
            }
        }
    }
}

/// Digits with an optional sign and nothing else. White space around a number is refused: the server's libxml2
/// (2.9.14) does so in the types KMC makes.
fn integer(text: &str) -> Option<i128> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}
