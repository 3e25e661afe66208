package ui

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"
)

const urlencoded = "application/x-www-form-urlencoded"

func TestBodies(t *testing.T) {
	fields := func(n int) string {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprintf("f%d=x", i))
		}
		return strings.Join(all, "&")
	}
	for name, c := range map[string]struct {
		contentType, body string
		status            int
	}{
		"form":               {urlencoded, "email=a&password=b", 303},
		"charset":            {urlencoded + "; charset=utf-8", "email=a", 422},
		"empty":              {urlencoded, "", 422},
		"nothing":            {"", "", 422},
		"json":               {asJSON, `{"email":"a","remember":true}`, 422},
		"no type":            {"", "email=a", 415},
		"multipart":          {"multipart/form-data; boundary=x", "--x\r\n", 415},
		"broken multipart":   {"multipart/form-data; boundary=", "--", 415},
		"no boundary":        {"multipart/form-data", "", 415},
		"text":               {"text/plain", "email=a", 415},
		"bad type":           {"application/;;", "email=a", 415},
		"twice":              {urlencoded, "email=a&email=b", 400},
		"twice encoded":      {urlencoded, "email=a&%65mail=b", 400},
		"semicolon":          {urlencoded, "email=a;password=b", 400},
		"bad escape":         {urlencoded, "email=%zz", 400},
		"no text":            {urlencoded, "email=%ff", 400},
		"no text in name":    {urlencoded, "%ff=a", 400},
		"nul":                {urlencoded, "email=a%00b", 400},
		"64 fields":          {urlencoded, fields(64), 422},
		"65 fields":          {urlencoded, fields(65), 400},
		"64 KiB":             {urlencoded, "email=" + strings.Repeat("a", maxBody-6), 422},
		"over 64 KiB":        {urlencoded, "email=" + strings.Repeat("a", maxBody-5), 413},
		"json over 64 KiB":   {asJSON, `{"email":"` + strings.Repeat("a", maxBody) + `"}`, 413},
		"json twice":         {asJSON, `{"email":"a","email":"b"}`, 400},
		"json nested":        {asJSON, `{"email":{"a":"b"}}`, 400},
		"json list":          {asJSON, `["a"]`, 400},
		"json list inside":   {asJSON, `{"email":["a"]}`, 400},
		"json number":        {asJSON, `{"email":1}`, 400},
		"json null":          {asJSON, `{"email":null}`, 400},
		"json text":          {asJSON, `"email"`, 400},
		"json nothing":       {asJSON, ``, 400},
		"json cut off":       {asJSON, `{"email":"a"`, 400},
		"json cut in value":  {asJSON, `{"email":`, 400},
		"json cut in name":   {asJSON, `{"ema`, 400},
		"json more":          {asJSON, `{"email":"a"}{}`, 400},
		"json garbage after": {asJSON, `{"email":"a"}x`, 400},
		"json deep":          {asJSON, strings.Repeat(`{"a":`, 10000), 400},
		"json no text":       {asJSON, "{\"email\":\"\xff\"}", 400},
		"json nul":           {asJSON, `{"email":"\u0000"}`, 400},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPortal(t)
			w := p.serve(request(http.MethodPost, "/_auth/login", c.body, "Content-Type", c.contentType))
			want(t, w, c.status)
			if c.status != http.StatusSeeOther && len(p.accounts.calls) > 0 {
				t.Errorf("a refused body got to the service: %v", p.accounts.calls)
			}
		})
	}
}

func TestCompressedBodiesAreRefused(t *testing.T) {
	p := newPortal(t)
	want(t, p.post("/_auth/login", credentials(), "Content-Encoding", "gzip"), http.StatusUnsupportedMediaType)
}

func TestJSONBooleans(t *testing.T) {
	f, err := parseJSON([]byte(` {"yes":true, "no":false, "on":"on"} `))
	if err != nil {
		t.Fatal(err)
	}
	if !f.checked("yes") || f.checked("no") || !f.checked("on") || f.checked("missing") {
		t.Errorf("%v", f)
	}
}

func FuzzParseForm(f *testing.F) {
	for _, seed := range []string{"", "a=b", "a=b&a=c", "a=%00", "%", "&&&", "a=b;c=d", "=x", "a+b=c+d"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		got, err := parseForm(body)
		if err != nil {
			return
		}
		if len(got) > maxFields {
			t.Fatalf("%d fields", len(got))
		}
		values := make(url.Values)
		for name, value := range got {
			values.Set(name, value)
		}
		again, err := parseForm(values.Encode())
		if err != nil || len(again) != len(got) {
			t.Fatalf("%q reads as %v, and again as %v (%v)", body, got, again, err)
		}
	})
}

func FuzzParseJSON(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":"b"}`, `{"a":true,"b":false}`, `{"a":"b","a":"c"}`, `{"a":{}}`, `[`, `{"a"`, `{"\u0061":"b"}`, `{"a":"\ud800"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := parseJSON(body)
		if err != nil {
			return
		}
		if len(got) > maxFields {
			t.Fatalf("%d fields", len(got))
		}
		for name, value := range got {
			if !utf8.ValidString(name) || !utf8.ValidString(value) {
				t.Fatalf("%q is no text", value)
			}
		}
	})
}
