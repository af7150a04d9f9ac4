//! Writes `template.yaml`; with `--print`, to standard output instead.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let text = appdepot_template::generate()?;
    if std::env::args().any(|argument| argument == "--print") {
        print!("{text}");
    } else {
        std::fs::write(appdepot_template::path(), text)?;
    }
    Ok(())
}
