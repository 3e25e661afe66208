package architecture

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The budgets keep the code readable. They are a mirror, not a target.
const (
	maxFile      = 500
	medianFile   = 120
	maxFunction  = 80
	p90Function  = 40
	maxExported  = 60
	minTestRatio = 1.0
)

// measures are taken over the files that are not tests.
type measures struct {
	fset      *token.FileSet
	files     []int
	functions []int
	exported  map[string]int
	code      int
	tests     int
}

func TestBudgets(t *testing.T) {
	m := measures{fset: token.NewFileSet(), exported: make(map[string]int)}
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		aid := strings.HasPrefix(name, "tests/") || name == "storage/storetest"
		for _, file := range p.GoFiles {
			m.file(t, filepath.Join(p.Dir, file), name, aid)
		}
		for _, file := range slices.Concat(p.TestGoFiles, p.XTestGoFiles) {
			m.tests += m.lines(t, filepath.Join(p.Dir, file), parser.SkipObjectResolution)
		}
	}
	slices.Sort(m.files)
	slices.Sort(m.functions)
	if median := m.files[len(m.files)/2]; median > medianFile {
		t.Errorf("half of the files have more than %d lines, want %d at most", median, medianFile)
	}
	if p90 := m.functions[len(m.functions)*9/10]; p90 > p90Function {
		t.Errorf("a tenth of the functions have more than %d lines, want %d at most", p90, p90Function)
	}
	for name, n := range m.exported {
		if n > maxExported {
			t.Errorf("%s exports %d names, want %d at most", name, n, maxExported)
		}
	}
	if ratio := float64(m.tests) / float64(m.code); ratio < minTestRatio {
		t.Errorf("tests have %d lines and code %d, a ratio of %.2f, want %.1f at least", m.tests, m.code, ratio, minTestRatio)
	}
	t.Logf("files: median %d; functions: p90 %d; tests/code %d/%d", m.files[len(m.files)/2], m.functions[len(m.functions)*9/10], m.tests, m.code)
}

func (m *measures) lines(t *testing.T, path string, mode parser.Mode) int {
	t.Helper()
	parsed, err := parser.ParseFile(m.fset, path, nil, mode)
	if err != nil {
		t.Fatal(err)
	}
	return m.fset.File(parsed.Pos()).LineCount()
}

// file measures a file; what only tests use counts as tests.
func (m *measures) file(t *testing.T, path, name string, aid bool) {
	t.Helper()
	parsed, err := parser.ParseFile(m.fset, path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	n := m.fset.File(parsed.Pos()).LineCount()
	if n > maxFile {
		t.Errorf("%s has %d lines, want %d at most", path, n, maxFile)
	}
	if aid {
		m.tests += n
	} else {
		m.code += n
		m.files = append(m.files, n)
	}
	for _, declared := range parsed.Decls {
		switch d := declared.(type) {
		case *ast.FuncDecl:
			length := m.fset.Position(d.End()).Line - m.fset.Position(d.Pos()).Line + 1
			m.functions = append(m.functions, length)
			if length > maxFunction {
				t.Errorf("%s: %s has %d lines, want %d at most", path, d.Name.Name, length, maxFunction)
			}
			if d.Recv == nil && d.Name.IsExported() {
				m.exported[name]++
			}
		case *ast.GenDecl:
			m.exported[name] += exportedIn(d)
		}
	}
}

// exportedIn counts the names that a reader has to learn. The values of a closed set,
// constants of one type, are learned with the type, and count as one name.
func exportedIn(d *ast.GenDecl) (n int) {
	sets := make(map[string]bool)
	for _, spec := range d.Specs {
		if s, ok := spec.(*ast.ValueSpec); ok && d.Tok == token.CONST && s.Type != nil {
			if set, ok := s.Type.(*ast.Ident); ok && sets[set.Name] {
				continue
			} else if ok {
				sets[set.Name] = true
			}
		}
		switch s := spec.(type) {
		case *ast.TypeSpec:
			if s.Name.IsExported() {
				n++
			}
		case *ast.ValueSpec:
			for _, name := range s.Names {
				if name.IsExported() {
					n++
				}
			}
		}
	}
	return n
}
