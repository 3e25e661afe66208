package snippets

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// dir is where the snippets are, wherever the test runs.
func dir() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Dir(file)
}

// RunNode runs the JavaScript snippet.
func RunNode(t testing.TB, issuer, audience, assertion, email string) {
	t.Helper()
	program := fmt.Sprintf(`import { verifyAssertion } from %q;
const claims = await verifyAssertion(%q, %q, %q);
console.log(claims.email);
await verifyAssertion(%q, %q, "https://other.example").then(() => console.log("accepted"), () => console.log("refused"));`,
		filepath.Join(dir(), "verify.mjs"), assertion, issuer, audience, assertion, issuer)
	run(t, email, "node", "--input-type=module", "--eval", program)
}

// RunPython runs the Python snippet.
func RunPython(t testing.TB, issuer, audience, assertion, email string) {
	t.Helper()
	program := fmt.Sprintf(`import sys
sys.dont_write_bytecode = True
sys.path.insert(0, %q)
import jwt, verify
keys = jwt.PyJWKClient(%q + "/jwks.json")
print(verify.verify_assertion(keys, %q, %q, %q)["email"])
try:
    verify.verify_assertion(keys, %q, %q, "https://other.example")
    print("accepted")
except jwt.InvalidTokenError:
    print("refused")`, dir(), issuer, assertion, issuer, audience, assertion, issuer)
	// Debian's python3-jwt is for Debian's Python, whatever else is on PATH.
	run(t, email, "/usr/bin/python3", "-c", program)
}

func run(t testing.TB, email, name string, args ...string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Errorf("%s is not installed and its snippet needs it: run \"make deps\"", name)
		return
	}
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s", name, err, out)
	}
	if got := strings.Fields(string(out)); len(got) != 2 || got[0] != email || got[1] != "refused" {
		t.Errorf("%s printed %q", name, out)
	}
}
