package browser

import (
	"os"
	"strings"
)

// axeEnv names a file with axe-core, which finds what keeps people out of a page.
// `make test` fetches it.
const axeEnv = "SIGRA_AXE"

// checkAccessibility has axe-core look at the page, when there is one.
func (b *Browser) checkAccessibility(page string) {
	b.t.Helper()
	path := os.Getenv(axeEnv)
	if path == "" || strings.HasPrefix(page, "mail-") { // a mail has no landmarks
		return
	}
	source, err := os.ReadFile(path)
	if err != nil {
		b.t.Fatal(err)
	}
	b.Evaluate("window.axe || (() => {" + string(source) + "})(), ''")
	b.Evaluate(`window.found = undefined, axe.run().then(
		(result) => { window.found = result.violations.map((v) => v.id + ": " + v.help + " " + v.nodes.map((n) => n.html).join(" ")).join("\n"); },
		(error) => { window.found = String(error); }), ''`)
	b.await("axe", "window.found !== undefined")
	if found := b.Evaluate("window.found"); found != "" {
		b.t.Errorf("axe on %s: %s", page, found)
	}
}
