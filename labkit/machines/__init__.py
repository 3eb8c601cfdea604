"""The operating systems of the machines: installed, waited for, entered, installed anew."""
