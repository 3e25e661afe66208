package ui

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// TestEveryPageIsAccessible reads every page, in every branch of its template,
// as a parser does, and asks for what WCAG 2.2 and our content policy want.
func TestEveryPageIsAccessible(t *testing.T) {
	p := newPortal(t, func(o *Options) { o.Brand.Links = []Link{{"Imprint", "/imprint"}} })
	for _, name := range pageNames {
		for i, view := range rehearsalsOf(name) {
			for _, tag := range p.handler.languages.tags {
				t.Run(fmt.Sprint(name, i, tag), func(t *testing.T) {
					parsed, err := p.handler.pages.template(pageKey{tag, name})
					if err != nil {
						t.Fatal(err)
					}
					body, err := p.handler.pages.execute(parsed, page{Base: testBase, Brand: p.handler.Brand, Name: name, View: view})
					if err != nil {
						t.Fatal(err)
					}
					d := parse(t, string(body))
					d.checkStructure(t)
					d.checkControls(t)
					d.checkReferences(t)
					d.checkNothingInline(t)
				})
			}
		}
	}
}

// document is the elements of a page in order.
type document []*html.Node

func parse(t *testing.T, text string) (d document) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for node := range root.Descendants() {
		if node.Type == html.ElementNode {
			d = append(d, node)
		}
	}
	return d
}

func (d document) all(names ...string) (found document) {
	for _, node := range d {
		if slices.Contains(names, node.Data) {
			found = append(found, node)
		}
	}
	return found
}

func (d document) byID(id string) *html.Node {
	for _, node := range d {
		if value, _ := attribute(node, "id"); value == id {
			return node
		}
	}
	return nil
}

func attribute(node *html.Node, name string) (string, bool) {
	for _, a := range node.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

func textOf(node *html.Node) string {
	var text strings.Builder
	for below := range node.Descendants() {
		if below.Type == html.TextNode {
			text.WriteString(below.Data)
		}
	}
	return strings.TrimSpace(text.String())
}

// checkStructure asks for language, title, one main part and ordered headings.
func (d document) checkStructure(t *testing.T) {
	t.Helper()
	for name, n := range map[string]int{"html": 1, "title": 1, "main": 1, "h1": 1, "header": 1} {
		if got := len(d.all(name)); got != n {
			t.Errorf("%d elements %s, want %d", got, name, n)
		}
	}
	if language, _ := attribute(d.all("html")[0], "lang"); language == "" {
		t.Error("the page has no language")
	}
	if title := textOf(d.all("title")[0]); strings.HasPrefix(title, "·") && len(d.all("h1")) == 1 && textOf(d.all("h1")[0]) != "" {
		t.Errorf("the page is called %q", title)
	}
	level := 0
	for _, heading := range d.all("h1", "h2", "h3", "h4", "h5", "h6") {
		next := int(heading.Data[1] - '0')
		if next > level+1 {
			t.Errorf("%s follows a heading of level %d", heading.Data, level)
		}
		level = next
	}
	focused := 0
	for _, node := range d {
		if _, ok := attribute(node, "autofocus"); ok {
			focused++
		}
		if order, ok := attribute(node, "tabindex"); ok && order != "0" && order != "-1" {
			t.Errorf("%s changes the order of focus", node.Data)
		}
	}
	if focused > 1 {
		t.Errorf("%d elements want the focus", focused)
	}
}

// tokens are the autocomplete values (HTML standard, 4.10.18.7) of the fields
// that have one; password managers and WCAG 1.3.5 need them.
var tokens = map[string]string{"email": "username", "username": "username", "name": "name", "password": "current-password", "current": "current-password", "code": "one-time-code", "nickname": "off",
	"slug": "off", "typed": "off", "q": "off", "domain": "off"}

// checkControls asks for a name of every control and for what a form may do.
func (d document) checkControls(t *testing.T) {
	t.Helper()
	for _, input := range d.all("input", "select", "textarea") {
		kind, _ := attribute(input, "type")
		field, _ := attribute(input, "name")
		if field == "" {
			t.Errorf("an input of type %q sends nothing", kind)
		}
		if kind == "hidden" {
			continue
		}
		if !d.labelled(input) {
			t.Errorf("field %s has no label", field)
		}
		token, _ := attribute(input, "autocomplete")
		if want := tokens[field]; strings.TrimSuffix(token, " webauthn") != want && !(field == "password" && token == "new-password") && !(field == "email" && token == "email") && !(field == "name" && token == "organization") {
			t.Errorf("field %s: autocomplete %q, want %q", field, token, want)
		}
		if value, _ := attribute(input, "value"); kind == "password" && value != "" {
			t.Errorf("field %s echoes a password", field)
		}
	}
	for _, control := range d.all("button", "a") {
		label, _ := attribute(control, "aria-label")
		if text := textOf(control); text == "" && label == "" {
			t.Errorf("a %s has no name", control.Data)
		} else if label != "" && !strings.HasPrefix(label, text) {
			t.Errorf("%q is called %q to those who do not see it (WCAG 2.5.3)", text, label)
		}
		if kind, _ := attribute(control, "type"); control.Data == "button" && kind != "submit" && !inHidden(control) {
			t.Errorf("a button of type %q does nothing without a script", kind)
		}
	}
	for _, form := range d.all("form") {
		role, _ := attribute(form, "role")
		if method, _ := attribute(form, "method"); method != "post" && role != "search" {
			t.Errorf("a form is sent by %q", method)
		}
	}
	for _, image := range d.all("img") {
		if _, ok := attribute(image, "alt"); !ok {
			t.Error("an image has no alternative text")
		}
	}
	for _, drawing := range d.all("svg") {
		hidden, _ := attribute(drawing, "aria-hidden")
		role, _ := attribute(drawing, "role")
		if label, _ := attribute(drawing, "aria-label"); hidden != "true" && (role != "img" || label == "") {
			t.Error("a drawing without words is read out")
		}
	}
}

// inHidden reports whether an element is in one that a script has to show.
func inHidden(n *html.Node) bool {
	for ; n != nil; n = n.Parent {
		if _, hidden := attribute(n, "hidden"); hidden {
			return true
		}
	}
	return false
}

// labelled reports whether a field has a visible label, or is not there for
// those who would need one.
func (d document) labelled(input *html.Node) bool {
	if hidden, _ := attribute(input, "aria-hidden"); hidden == "true" {
		order, _ := attribute(input, "tabindex")
		return order == "-1" // else the focus would get lost in it
	}
	for parent := range input.Ancestors() {
		if parent.Data == "label" {
			return textOf(parent) != ""
		}
	}
	id, _ := attribute(input, "id")
	for _, label := range d.all("label") {
		if target, ok := attribute(label, "for"); ok && target == id && textOf(label) != "" {
			return true
		}
	}
	return false
}

// checkReferences asks that ids are unique and that what refers to one finds
// it.
func (d document) checkReferences(t *testing.T) {
	t.Helper()
	seen := make(map[string]bool)
	for _, node := range d {
		if id, ok := attribute(node, "id"); ok {
			if seen[id] || id == "" {
				t.Errorf("id %q comes twice", id)
			}
			seen[id] = true
		}
	}
	for _, node := range d {
		for _, name := range []string{"for", "aria-describedby", "aria-labelledby"} {
			value, _ := attribute(node, name)
			for id := range strings.FieldsSeq(value) {
				if d.byID(id) == nil {
					t.Errorf("%s of a %s refers to %q, which is not there", name, node.Data, id)
				}
			}
		}
		if target, ok := attribute(node, "href"); ok && strings.HasPrefix(target, "#") && d.byID(target[1:]) == nil {
			t.Errorf("a link leads to %q, which is not there", target)
		}
		if invalid, _ := attribute(node, "aria-invalid"); invalid == "true" {
			if described, _ := attribute(node, "aria-describedby"); described == "" {
				t.Errorf("a %s is wrong and does not say why", node.Data)
			}
		}
	}
}

// checkNothingInline asks that the page needs nothing that the content policy
// refuses, and nothing of another host.
func (d document) checkNothingInline(t *testing.T) {
	t.Helper()
	for _, node := range d {
		for _, a := range node.Attr {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
				t.Errorf("a %s has the attribute %s", node.Data, a.Key)
			}
			if !slices.Contains([]string{"href", "src", "action", "formaction"}, a.Key) {
				continue
			}
			if u, err := url.Parse(a.Val); err != nil || u.Scheme != "otpauth" && (u.Host != "" || u.Scheme != "") {
				t.Errorf("a %s leads to %q", node.Data, a.Val)
			}
		}
		source, _ := attribute(node, "src")
		if node.Data == "style" || node.Data == "script" && (source == "" || textOf(node) != "") {
			t.Errorf("there is an inline %s", node.Data)
		}
	}
}
