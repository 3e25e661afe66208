package caddymodule

import (
	"errors"
	"testing"
)

// TestPlain holds back what a terminal would act on, in values and in errors.
func TestPlain(t *testing.T) {
	for in, want := range map[string]string{
		"Firefox 140": "Firefox 140", "Zoë": "Zoë", "": "",
		"a\x1b[2J":  `"a\x1b[2J"`,
		"a\u009b2J": `"a\u009b2J"`,
		"a\u202eb":  `"a\u202eb"`,
		"a\nid=0":   `"a\nid=0"`,
		"a  id=0":   `"a  id=0"`,
	} {
		if got := plain(in); got != want {
			t.Errorf("%q is shown as %s, want %s", in, got, want)
		}
	}
	for in, want := range map[string]string{
		"no such user":           "no such user",
		"line 1: a\nline 2: b":   "line 1: a\nline 2: b",
		"554 5.7.1 \u009b2J bad": `"554 5.7.1 \u009b2J bad"`,
	} {
		if got := plainError(errors.New(in)); got.Error() != want {
			t.Errorf("%q is told as %s, want %s", in, got, want)
		}
	}
	if err := plainError(errDegraded); !errors.Is(err, errDegraded) || plainError(nil) != nil {
		t.Errorf("%v", err)
	}
}
