package profile

import (
	"strings"
	"testing"

	"github.com/sigra-auth/sigra/authcore/account"
)

func TestClean(t *testing.T) {
	choice := Field{Name: "x", Type: Choice, Options: []string{"a", "b"}}
	for name, c := range map[string]struct {
		field   Field
		given   string
		kept    string
		problem account.Problem
	}{
		"text":               {Field{Name: "x", Type: Text}, " a  b\r\nc\u202e ", "a b c", ""},
		"nothing":            {Field{Name: "x", Type: Number}, " ", "", ""},
		"required":           {Field{Name: "x", Type: Text, Required: true}, "\t", "", account.ProblemRequired},
		"at the limit":       {Field{Name: "x", Type: Text, Max: 3}, "äöü", "äöü", ""},
		"too long":           {Field{Name: "x", Type: Text, Max: 3}, "äöüß", "", account.ProblemValueTooLong},
		"the usual limit":    {Field{Name: "x", Type: Text}, strings.Repeat("x", 101), "", account.ProblemValueTooLong},
		"number":             {Field{Name: "x", Type: Number}, "-1.50", "-1.50", ""},
		"infinity":           {Field{Name: "x", Type: Number}, "Inf", "", account.ProblemValue},
		"hexadecimal":        {Field{Name: "x", Type: Number}, "0x10", "", account.ProblemValue},
		"date":               {Field{Name: "x", Type: Date}, "2024-02-29", "2024-02-29", ""},
		"no such day":        {Field{Name: "x", Type: Date}, "2023-02-29", "", account.ProblemValue},
		"address":            {Field{Name: "x", Type: URL}, "https://example.com/a?b", "https://example.com/a?b", ""},
		"script":             {Field{Name: "x", Type: URL}, "javascript:alert(1)", "", account.ProblemValue},
		"phone":              {Field{Name: "x", Type: Phone}, "+49 (30) 123-456", "+49 (30) 123-456", ""},
		"letters for digits": {Field{Name: "x", Type: Phone}, "0800 SIGRA", "", account.ProblemValue},
		"choice":             {choice, "b", "b", ""},
		"no choice":          {choice, "c", "", account.ProblemValue},
	} {
		kept, problems := Fields{c.field}.Clean(map[string]string{"x": c.given, "other": "ignored"})
		if kept["x"] != c.kept || problems["x"] != c.problem || len(kept)+len(problems) > 1 {
			t.Errorf("%s: %q, %q", name, kept, problems)
		}
	}
}

func TestValidate(t *testing.T) {
	good := Field{Name: "company", Type: Text}
	for message, fields := range map[string]Fields{
		"":             {good, {Name: "team", Type: Choice, Options: []string{"a", "b"}}},
		"twice":        {good, good},
		"begins with":  {{Name: "Company", Type: Text}},
		"Sigra itself": {{Name: "email", Type: Text}},
		"unknown type": {{Name: "a", Type: "file"}},
		"two options":  {{Name: "a", Type: Choice, Options: []string{"one"}}},
		"has options":  {{Name: "a", Type: Text, Options: []string{"a", "b"}}},
		"1 to 500":     {{Name: "a", Type: Text, Max: 501}},
		"is the most":  make(Fields, 21),
	} {
		err := fields.Validate()
		if message == "" && err != nil || message != "" && (err == nil || !strings.Contains(err.Error(), message)) {
			t.Errorf("%v, want %q", err, message)
		}
	}
}
