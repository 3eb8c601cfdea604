"""The stand-in for Anaconda: makes a machine from nothing but the kickstart that the machine itself fetched."""
