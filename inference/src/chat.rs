//! Messages to the text that a model was trained to answer: the file's own chat template.

use minijinja::{Environment, Error, ErrorKind, Value, syntax::SyntaxConfig, value::Serde};
use mtor_shared::{
    generation::Message,
    problem::{Problem, ProblemCode},
};

/// Steps that a template may take: those of real ones take thousands, and a file may hold an endless one.
const FUEL: u64 = 5_000_000;

/// A compiled chat template.
pub struct ChatTemplate {
    environment: Environment<'static>,
}

const NAME: &str = "chat";

impl ChatTemplate {
    /// Compiles a template; `first` and `last` are the texts of the tokens at a text's beginning and end.
    ///
    /// # Errors
    ///
    /// When the template is damaged.
    pub fn new(source: &str, first: &str, last: &str) -> Result<Self, Problem> {
        let mut environment = Environment::new();
        // As transformers renders them.
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax.map_err(|error| failed(&error))?);
        environment.set_fuel(Some(FUEL));
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("raise_exception", |message: String| -> Result<Value, Error> {
            Err(Error::new(ErrorKind::InvalidOperation, message))
        });
        environment.add_global("bos_token", first.to_owned());
        environment.add_global("eos_token", last.to_owned());
        environment.add_template_owned(NAME, source.to_owned()).map_err(|error| failed(&error))?;
        Ok(Self { environment })
    }

    /// The text after which the model answers.
    ///
    /// # Errors
    ///
    /// When the template refuses these messages.
    pub fn render(&self, messages: &[Message]) -> Result<String, Problem> {
        let messages = Value::from(Serde(messages));
        self.environment
            .get_template(NAME)
            .and_then(|template| {
                template.render(minijinja::context! { messages, add_generation_prompt => true })
            })
            .map_err(|error| failed(&error))
    }
}

fn failed(error: &Error) -> Problem {
    Problem::new(
        ProblemCode::BadRequest,
        format!("The model's chat template does not take this conversation ({error})."),
        "Begin a new conversation, or choose another model.",
    )
}

#[cfg(test)]
mod tests {
    use mtor_shared::generation::Role;

    use super::*;

    fn user(content: &str) -> Vec<Message> {
        vec![Message { role: Role::User, content: content.into() }]
    }

    #[test]
    fn a_template_with_methods_of_python_renders() {
        let template = ChatTemplate::new(
            "{{ bos_token }}{% for m in messages %}\n{% if m['role'].startswith('u') %}\n[{{ m.content.strip() }}]{% endif %}\n{% endfor %}\n{% if add_generation_prompt %}>{% endif %}",
            "<s>",
            "</s>",
        )
        .unwrap();
        assert_eq!(template.render(&user("  hello ")).unwrap(), "<s>[hello]>");
    }

    #[test]
    fn refusals_and_endless_templates_are_errors() {
        let refusing = ChatTemplate::new("{{ raise_exception('only two roles') }}", "", "").unwrap();
        assert!(refusing.render(&user("x")).unwrap_err().title.contains("only two roles"));
        let endless = ChatTemplate::new(
            "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}x{% endfor %}{% endfor %}{% endfor %}",
            "",
            "",
        )
        .unwrap();
        assert!(endless.render(&user("x")).is_err());
        assert!(ChatTemplate::new("{% if %}", "", "").is_err());
    }
}
