"""The controllers: each watches some kinds and moves them towards what their specs say."""
