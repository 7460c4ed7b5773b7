// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package stencil

import (
	"fmt"
	"reflect"
	"strings"
	"text/template/parse"
)

// A cutter makes steps of parsed templates.
type cutter struct {
	html   bool // each value needs an escaper
	find   func(name string) *parse.Tree
	sheets map[string]*sheet // that are made, or being made
	names  []string          // of the variables that can be seen
	most   int               // of them, in the sheet that is being made
}

func unfit(n parse.Node) error { return fmt.Errorf("%w: %s", ErrUnfit, n) }

func (c *cutter) sheet(name string) (*sheet, error) {
	if s, ok := c.sheets[name]; ok {
		return s, nil
	}
	tree := c.find(name)
	if tree == nil || tree.Root == nil {
		return nil, fmt.Errorf("%w: there is no template %q", ErrUnfit, name)
	}
	s := &sheet{}
	c.sheets[name] = s
	inner := *c
	inner.names, inner.most = []string{"$"}, 1
	steps, err := inner.list(tree.Root)
	s.steps, s.vars, s.unfit = steps, inner.most, err != nil
	if err != nil {
		delete(c.sheets, name)
	}
	return s, err
}

// list cuts what stands in a row. Variables that are made in it end with it.
func (c *cutter) list(l *parse.ListNode) ([]step, error) {
	if l == nil {
		return nil, nil
	}
	outer := len(c.names)
	defer func() { c.names = c.names[:outer] }()
	var steps []step
	for _, n := range l.Nodes {
		s, err := c.node(n)
		if err != nil {
			return nil, err
		}
		steps = append(steps, s)
	}
	return steps, nil
}

func (c *cutter) node(n parse.Node) (step, error) {
	switch n := n.(type) {
	case *parse.TextNode:
		return literal(n.Text), nil
	case *parse.ActionNode:
		return c.action(n)
	case *parse.IfNode:
		return c.branch(&n.BranchNode, false)
	case *parse.WithNode:
		return c.branch(&n.BranchNode, true)
	case *parse.RangeNode:
		return c.loop(n)
	case *parse.TemplateNode:
		return c.inclusion(n)
	default:
		return nil, unfit(n)
	}
}

// action cuts what prints a value or sets a variable.
func (c *cutter) action(n *parse.ActionNode) (step, error) {
	if len(n.Pipe.Decl) > 0 {
		e, err := c.pipe(n.Pipe)
		s, ok := e.(setting)
		if err == nil && !ok {
			err = unfit(n)
		}
		return s, err
	}
	e, err := c.command(n.Pipe.Cmds[0])
	if err != nil {
		return nil, err
	}
	as, ok := c.escaper(n.Pipe.Cmds[1:])
	if !ok {
		return nil, unfit(n)
	}
	return value{e, as}, nil
}

// escaper is that of the functions which a value goes through.
func (c *cutter) escaper(functions []*parse.CommandNode) (escaper, bool) {
	var names []string
	for _, f := range functions {
		names = append(names, f.String())
	}
	if !c.html {
		return asIs, len(names) == 0
	}
	as, ok := escapers[strings.Join(names, " ")]
	return as, ok
}

func (c *cutter) branch(n *parse.BranchNode, with bool) (step, error) {
	outer := len(c.names)
	defer func() { c.names = c.names[:outer] }()
	on, err := c.pipe(n.Pipe)
	if err != nil {
		return nil, err
	}
	b := branch{on: on, with: with}
	if b.then, err = c.list(n.List); err != nil {
		return nil, err
	}
	b.other, err = c.list(n.ElseList)
	return b, err
}

func (c *cutter) loop(n *parse.RangeNode) (step, error) {
	if len(n.Pipe.Decl) > 0 {
		return nil, unfit(n)
	}
	over, err := c.pipe(n.Pipe)
	if err != nil {
		return nil, err
	}
	l := loop{over: over}
	if l.each, err = c.list(n.List); err != nil {
		return nil, err
	}
	l.other, err = c.list(n.ElseList)
	return l, err
}

func (c *cutter) inclusion(n *parse.TemplateNode) (step, error) {
	if n.Pipe == nil {
		return nil, unfit(n)
	}
	data, err := c.pipe(n.Pipe)
	if err != nil {
		return nil, err
	}
	included, err := c.sheet(n.Name)
	return inclusion{included, data}, err
}

// pipe cuts a value that is not printed, and the variable that it is kept in.
func (c *cutter) pipe(n *parse.PipeNode) (expression, error) {
	if len(n.Cmds) != 1 || len(n.Decl) > 1 {
		return nil, unfit(n)
	}
	e, err := c.command(n.Cmds[0])
	if err != nil || len(n.Decl) == 0 {
		return e, err
	}
	name := n.Decl[0].Ident[0]
	at := c.place(name)
	if !n.IsAssign {
		at = len(c.names)
		c.names = append(c.names, name)
		c.most = max(c.most, len(c.names))
	}
	return setting{at, e}, nil
}

func (c *cutter) command(n *parse.CommandNode) (expression, error) {
	var args []expression
	for _, arg := range n.Args[1:] {
		e, err := c.operand(arg, nil)
		if err != nil {
			return nil, err
		}
		args = append(args, e)
	}
	f, ok := n.Args[0].(*parse.IdentifierNode)
	switch {
	case !ok:
		return c.operand(n.Args[0], args)
	case len(args) == 0:
		return nil, unfit(n)
	case f.Ident == "or", f.Ident == "and":
		return choice{args, f.Ident == "and"}, nil
	case f.Ident == "not" && len(args) == 1:
		return denial{args[0]}, nil
	default:
		return nil, unfit(n)
	}
}

// operand cuts a value, with what its method is asked.
func (c *cutter) operand(n parse.Node, args []expression) (expression, error) {
	switch n := n.(type) {
	case *parse.FieldNode:
		return members(dot{}, n.Ident, args), nil
	case *parse.VariableNode:
		return c.variable(n, args)
	}
	if len(args) > 0 {
		return nil, unfit(n)
	}
	switch n := n.(type) {
	case *parse.DotNode:
		return dot{}, nil
	case *parse.StringNode:
		return constant{reflect.ValueOf(n.Text)}, nil
	case *parse.PipeNode:
		if len(n.Decl) > 0 { // and, or: it may never be reached
			return nil, unfit(n)
		}
		return c.pipe(n)
	default:
		return nil, unfit(n)
	}
}

// place is that of the innermost variable of a name; negative: there is none.
func (c *cutter) place(name string) int {
	at := len(c.names) - 1
	for at >= 0 && c.names[at] != name {
		at--
	}
	return at
}

func (c *cutter) variable(n *parse.VariableNode, args []expression) (expression, error) {
	at := c.place(n.Ident[0])
	if at < 0 || len(n.Ident) == 1 && len(args) > 0 {
		return nil, unfit(n)
	}
	return members(variable(at), n.Ident[1:], args), nil
}

// members go from one value to the next. Only the last of them can be asked something.
func members(of expression, names []string, args []expression) expression {
	for i, name := range names {
		m := &member{of: of, name: name}
		if i == len(names)-1 {
			m.args = args
		}
		of = m
	}
	return of
}
